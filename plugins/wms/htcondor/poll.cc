// poll(): wait until the schedd's event log grows, then ask the queue. The log only says that something happened, what
// it is is asked; so its form does not matter, and neither does a line that is lost.
#include <fmt/format.h>

#include <algorithm>

#include "htcondor.h"
#include "htcondor/event_log_place.h"
#include "htcondor/queue_check.h"

namespace apf::wms_htcondor {
namespace {

constexpr Duration kLeastGap = seconds{1};  // between two queries
constexpr Duration kMostGap = seconds{10};  // between two queries while the log grows
constexpr int kShare = 4;                   // a query that took long is followed by a pause of so many times that
// Until a log that could not be followed is looked for again: where the schedd was down, and where it has none.
constexpr Duration kListenSoon = seconds{30};
constexpr Duration kListenAgain = seconds{300};

}  // namespace

void HtcondorWms::deaf(const Error& error, Context& context) {
  log_.reset();
  const bool settled = error.kind == Kind::config;
  listen_again_ = mono_now() + (settled ? kListenAgain : kListenSoon);
  if (const std::string why = error.text(); why != deaf_) {
    deaf_ = why;
    // No log that the schedd tells of is a setting, not a fault.
    const bool fault = !settled || settings_.event_log != "auto";
    context.log(fault ? Level::warning : Level::info, "the schedd is asked at intervals only: " + why);
  }
}

// True when it has just begun to follow the log.
bool HtcondorWms::listen(Context& context) {
  if (log_ || settings_.event_log == "none" || mono_now() < listen_again_) return false;
  const auto not_now = [&](const Error& error) {
    deaf(error, context);
    return false;
  };
  std::string path = settings_.event_log;
  if (path == "auto") {
    auto found = htcondor::find_event_log(tools_, context);
    if (!found) return not_now(found.error());
    path = std::move(*found);
  }
  auto log = std::make_unique<htcondor::LogFile>(path);
  if (auto open = log->open(""); !open) return not_now(open.error());
  log_ = std::move(log);
  deaf_.clear();
  return true;
}

// Whether the log has grown since the last look.
bool HtcondorWms::grown(Context& context) {
  if (!log_) return false;
  const auto any = log_->skip();
  if (any) return *any;
  deaf(any.error(), context);
  return true;
}

// Returns when the queue should be asked; true: because the log has grown.
bool HtcondorWms::wait(Context& context) {
  const Mono begin = mono_now();
  // Half of the time is left for the query.
  const Mono end = begin + std::min(settings_.longest_wait, (context.deadline() - begin) / 2);
  bool news = grown(context);
  while (!news && !again_ && log_ && !context.stopping()) {
    const Mono now = mono_now();
    if (now >= end) break;
    log_->wait(end - now);
    news = grown(context);
  }
  const Mono now = mono_now();
  const Mono earliest = asked_ + std::clamp<Duration>(took_ * kShare, kLeastGap, kMostGap);
  if (now < earliest) context.sleep(std::min(earliest - now, (context.deadline() - now) / 2));
  return news;
}

Result<Jobs> HtcondorWms::jobs(Context& context) {
  std::vector<std::string> arguments{"-allusers", "-constraint", settings_.constraint};
  const auto asked = columns(settings_.grouping);
  arguments.insert(arguments.end(), asked.begin(), asked.end());
  auto out = tools_.query("condor_q", arguments, context);
  if (!out) return fail(out.error());
  auto jobs = read(*out, settings_.grouping);
  if (!jobs) return jobs;
  // Too many jobs are as bad here as too few: they would become pilots.
  if (auto ok = htcondor::check_queue_rows(tools_, settings_.constraint, jobs->rows, rows_,
                                           htcondor::Doubt::fewer_or_more, context);
      !ok)
    return fail(ok.error());
  return jobs;
}

Result<View<DemandData>> HtcondorWms::poll(std::span<const std::string> wms_queues, const std::string& cursor,
                                           Context& context) {
  const Mono called = mono_now();
  const bool opened = listen(context);
  const bool same = std::equal(queues_.begin(), queues_.end(), wms_queues.begin(), wms_queues.end());
  bool news = !cursor.empty() && log_ && asked_.ns != 0 && same && wait(context);
  // What is logged from here on is news for the next poll.
  if (grown(context)) news = true;

  const Mono asked = mono_now();
  const Wall asked_wall = wall_now();
  asked_ = Mono{};
  auto found = jobs(context);
  if (!found) return fail(std::move(found.error()));
  took_ = mono_now() - asked;
  asked_ = asked;
  rows_ = found->rows;
  queues_.assign(wms_queues.begin(), wms_queues.end());
  // A job's processes write the log, too, and the schedd hears from them a little later than we do: it is asked once
  // more before the log is trusted to be quiet. The same holds for what happened just before the log was opened.
  again_ = news || opened;

  View<DemandData> view;
  const std::string& by = settings_.grouping.group_by;
  view.evidence = fmt::format("condor_q: {} jobs", found->rows);
  if (found->without > 0) view.evidence += fmt::format(", {} without {}", found->without, by);
  if (found->unusable > 0) view.evidence += fmt::format(", {} with unusable values", found->unusable);
  if (found->unusable > 0 && unusable_ == 0)
    context.log(Level::warning, fmt::format("{} jobs have values that name no WMS queue, job label or resource type; "
                                            "they are not counted",
                                            found->unusable));
  unusable_ = found->unusable;
  view.evidence += log_ ? ", told by " + log_->path() : "";

  // A schedd knows no sites: each WMS queue exists that jobs can name.
  for (const auto& queue : wms_queues)
    if (is_word(queue)) view.data.sites.emplace_back(queue, "online");
  for (auto& cell : found->cells) {
    if (!wms_queues.empty() && std::find(wms_queues.begin(), wms_queues.end(), cell.wms_queue) == wms_queues.end())
      continue;
    if (wms_queues.empty() && (view.data.sites.empty() || view.data.sites.back().first != cell.wms_queue))
      view.data.sites.emplace_back(cell.wms_queue, "online");
    view.data.cells.push_back(std::move(cell));
  }
  // The queue is exact; it was asked so much later than poll() was called.
  view.data.lag = called - asked;
  view.as_of = asked_wall;
  view.complete = true;
  view.cursor = log_ ? log_->path() : "";
  return view;
}

}  // namespace apf::wms_htcondor
