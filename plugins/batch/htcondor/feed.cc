#include "feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "htcondor/event_log_place.h"

namespace apf::batch_htcondor {
namespace {

constexpr std::size_t kMostPilots = 2000;        // of one answer
constexpr std::uint64_t kMostEvents = 20'000;    // that one answer looks at, others' jobs included
constexpr Duration kMargin = milliseconds{100};  // before the deadline
constexpr std::string_view kUntold = "? ";       // before a bookmark: a gap before it has yet to be told

}  // namespace

// The schedd's event log, if it can be followed.
Result<std::string> Feed::schedds_log(Context& context) const {
  auto path = htcondor::locate_event_log(tools_, kNeededAttributes, context);
  if (!path) return path;
  if (auto readable = htcondor::EventLog(*path).open(""); !readable) return fail(readable.error());
  return path;
}

Result<Feed::Way> Feed::own_log(const FactoryIdentity& me, Context& context) const {
  if (settings_.spooling)
    return fail(Kind::config, "htcondor.user_log", "pilots write no log of their own here: they are spooled");
  if (auto here = writes_here(tools_, context); !here) return fail(here.error());
  const std::string root = spool_.root(me), path = user_log_path(root, me, tools_);
  if (auto ok = prepare_user_log(root, path, tools_.account()); !ok) return fail(ok.error());
  return Way{path, true};
}

Result<Feed::Way> Feed::choose(const FactoryIdentity& me, Context& context) const {
  if (settings_.event_log == "pilots") return own_log(me, context);
  if (settings_.event_log != "auto") return Way{settings_.event_log, false};
  auto path = schedds_log(context);
  if (path) return Way{*path, false};
  if (path.error().kind != Kind::config) return fail(path.error());
  auto own = own_log(me, context);
  if (own) context.log(Level::info, "pilots write a log of their own: " + path.error().text());
  if (own || own.error().kind != Kind::config) return own;
  path.error().what += "; " + own.error().what;
  return fail(path.error());
}

std::string Feed::pilots_log(const FactoryIdentity& me, Context& context) {
  std::optional<Way> way;
  {
    const std::lock_guard lock(mutex_);
    way = way_;
  }
  if (!way && wanted() && !settings_.spooling) {  // the first submission may come before the first follow()
    const auto chosen = choose(me, context);
    const std::lock_guard lock(mutex_);
    if (!way_) way_ = chosen.value_or(Way{});  // where it can't be told, follow() tells later
    way = way_;
  }
  if (!way || !way->own) return {};
  return prepare_user_log(spool_.root(me), way->path, tools_.account()) ? way->path : "";
}

void Feed::sent(const std::string& pilots_log) {
  const std::lock_guard lock(mutex_);
  if (pilots_log.empty()) ++silent_;
}

std::uint64_t Feed::silent() const {
  const std::lock_guard lock(mutex_);
  return silent_;
}

// The pilots' own log tells of all pilots once all write it.
Status Feed::all_write(const std::string& path, const FactoryIdentity& me, Context& context) const {
  const auto others = pilots_without(path, me, tools_, context);
  if (!others) return fail(others.error());
  if (*others == 0) return {};
  return fail(Kind::config, "htcondor.user_log_partly",
              fmt::format("{} pilots were submitted before there was a log of their own", *others), path,
              "nothing needs to be done: it is followed when they have ended");
}

Status Feed::open(const FactoryIdentity& me, const std::string& cursor, Context& context) {
  auto way = choose(me, context);
  if (!way) return fail(way.error());
  {
    const std::lock_guard lock(mutex_);
    way_ = *way;
    silent_then_ = silent_;
  }
  if (way->own)
    if (auto ok = all_write(way->path, me, context); !ok) return ok;
  checked_ = mono_now();
  auto log = std::make_unique<htcondor::EventLog>(way->path);
  const bool untold = cursor.starts_with(kUntold);
  if (auto ok = log->open(untold ? cursor.substr(kUntold.size()) : cursor); !ok) return ok;
  log_ = std::move(log);
  own_ = way->own;
  trimmer_ = {};
  events_ = std::make_unique<PilotEvents>(me.factory_id, me.instance);
  gap_ = log_->take_gap();
  if (gap_.empty() && untold) gap_ = "one before the restart was not yet told";
  full_ = false;
  told_gap_ = Mono{};
  return {};
}

// The first reason stands for all.
void Feed::note(std::string gap) {
  if (gap_.empty()) gap_ = std::move(gap);
}

// Reads what is there, up to the limits of one answer. False: there may be more.
Result<bool> Feed::drain(FeedData& data) {
  const Mono now = mono_now();
  const PilotEvents::Place before = [this] { return log_->bookmark_before(); };
  bool all = false;
  for (std::uint64_t n = 0; n < kMostEvents && data.seen.size() < kMostPilots && !all; ++n) {
    auto object = log_->next();
    if (!object) return fail(object.error());
    if (!*object)
      all = true;
    else if (auto event = htcondor::decode_event(**object))
      events_->take(std::move(*event), now, before, data.seen);
    else
      note("there was an object that is no event");
  }
  events_->settle(now, data.seen);
  note(log_->take_gap());
  note(events_->take_doubt());
  // What can't be written because the disk is full is lost without a trace.
  const bool full = !log_->can_grow();
  if (full || full_) note("the log's disk is full");
  full_ = full;
  if (told_gap_.ns == 0 || now - told_gap_ >= settings_.gap_pause) data.gap = gap_;
  return all;
}

std::string Feed::bookmark() const {
  const auto kept_back = events_->oldest();
  return std::string(gap_.empty() ? "" : kUntold) + (kept_back ? *kept_back : log_->bookmark());
}

Result<View<FeedData>> Feed::follow(const FactoryIdentity& me, const std::string& cursor, Context& context) {
  const bool unknown = own_ && silent() != silent_then_;  // pilots of which this log does not tell
  if (!log_ || unknown || cursor != given_ || cursor.empty()) {
    log_.reset();
    if (auto ok = open(me, cursor, context); !ok) return fail(ok.error());
  }
  // One look may have been at a list that lied; to get no answer proves nothing.
  if (own_ && mono_now() - checked_ >= settings_.check_pause) {
    checked_ = mono_now();
    if (auto ok = all_write(log_->path(), me, context); !ok && ok.error().kind == Kind::config) {
      log_.reset();
      return fail(ok.error());
    }
  }
  View<FeedData> view;
  view.evidence = (own_ ? "the pilots' own log " : "event log ") + log_->path();
  while (true) {
    auto all = drain(view.data);
    if (!all) {
      log_.reset();
      return fail(all.error());
    }
    if (own_) trimmer_.trim(log_->path(), log_->place());
    const Duration left = context.deadline() - kMargin - mono_now();
    // A first call returns at once, so that there is a bookmark from the beginning.
    if (!view.data.seen.empty() || !view.data.gap.empty() || cursor.empty() || left <= Duration(0) ||
        context.stopping())
      break;
    const auto due = events_->due();
    if (*all) log_->wait(due ? std::clamp(*due - mono_now(), Duration(0), left) : left);
  }
  view.complete = gap_.empty();
  if (!view.data.gap.empty()) {
    gap_.clear();
    told_gap_ = mono_now();
  }
  view.as_of = wall_now();
  view.cursor = given_ = bookmark();
  return view;
}

}  // namespace apf::batch_htcondor
