#include "feed.h"

#include <algorithm>
#include <array>

#include "htcondor/event_log_place.h"

namespace apf::batch_htcondor {
namespace {

constexpr std::size_t kMostPilots = 2000;        // of one answer
constexpr std::uint64_t kMostEvents = 20'000;    // that one answer looks at, others' jobs included
constexpr Duration kMargin = milliseconds{100};  // before the deadline
constexpr Duration kGapEvery = seconds{5};       // each gap costs a look at the whole queue
constexpr std::string_view kUntold = "? ";       // before a bookmark: a gap before it has yet to be told

// Without these an event does not say whose pilot is what; others only tell more.
constexpr std::array<std::string_view, 9> kNeeded{"APF_FACTORY_ID",  "APF_INSTANCE", "APF_RUN",
                                                  "APF_SUBMISSION",  "APF_INDEX",    "APF_RERUN",
                                                  "MATCH_APF_QUEUE", "NumJobStarts", "JobCurrentStartDate"};

}  // namespace

Status Feed::open(const FactoryIdentity& me, const std::string& cursor, Context& context) {
  std::string path = option_;
  if (option_ == "auto") {
    auto located = htcondor::locate_event_log(tools_, kNeeded, context);
    if (!located) return fail(located.error());
    path = *located;
  }
  auto log = std::make_unique<htcondor::EventLog>(path);
  const bool untold = cursor.starts_with(kUntold);
  if (auto ok = log->open(untold ? cursor.substr(kUntold.size()) : cursor); !ok) return ok;
  log_ = std::move(log);
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
    else if (const auto event = htcondor::decode_event(**object))
      events_->take(*event, now, before, data.seen);
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
  if (told_gap_.ns == 0 || now - told_gap_ >= kGapEvery) data.gap = gap_;
  return all;
}

std::string Feed::bookmark() const {
  return std::string(gap_.empty() ? "" : kUntold) + events_->oldest().value_or(log_->bookmark());
}

Result<View<FeedData>> Feed::follow(const FactoryIdentity& me, const std::string& cursor, Context& context) {
  if (!log_ || cursor != given_ || cursor.empty()) {
    log_.reset();
    if (auto ok = open(me, cursor, context); !ok) return fail(ok.error());
  }
  View<FeedData> view;
  view.evidence = "event log " + log_->path();
  while (true) {
    auto all = drain(view.data);
    if (!all) {
      log_.reset();
      return fail(all.error());
    }
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
