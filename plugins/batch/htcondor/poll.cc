// poll() and find(): the queue first, then the history, so that a pilot that leaves in between is in at least one.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <unordered_set>

#include "htcondor.h"
#include "htcondor/queue_check.h"
#include "htcondor/rows.h"
#include "htcondor/text.h"
#include "jobs.h"

namespace apf::batch_htcondor {
namespace {

constexpr int kLooks = 5;                // polls that go on looking for a pilot that left without a record
constexpr std::size_t kFindChunk = 100;  // submissions in one constraint
constexpr int kLoadEvery = 10;           // polls: the schedd tells its collector every 5 minutes or so

std::vector<std::uint64_t> keys(const std::vector<PilotSeen>& pilots) {
  std::vector<std::uint64_t> out;
  out.reserve(pilots.size());
  for (const auto& p : pilots) out.push_back(job_key(p.batch_id));
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::uint64_t> without(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::vector<std::uint64_t> out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

std::vector<std::uint64_t> merged(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::vector<std::uint64_t> out;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

// The queue was asked before the history: what ended in between is told by the history alone.
void drop_ended(std::vector<PilotSeen>& live, const std::vector<PilotSeen>& ended) {
  if (ended.empty()) return;
  const auto gone = keys(ended);
  std::erase_if(live,
                [&](const PilotSeen& p) { return std::binary_search(gone.begin(), gone.end(), job_key(p.batch_id)); });
}

// Rows of the queue that ended: completed or removed and not yet out of it, or evicted for good.
std::vector<PilotSeen> split_ended(std::vector<PilotSeen>& live) {
  std::vector<PilotSeen> out;
  for (auto& p : live)
    if (ended(p.state)) out.push_back(p);
  if (!out.empty()) std::erase_if(live, [](const PilotSeen& p) { return ended(p.state); });
  return out;
}

// Cursor: "STOP NEWEST", the newest record of the poll before and of this one. The history is an append-only file read
// from its end, so that everything before NEWEST is new; stopping at STOP repeats one poll's records, for safety.
std::string next_cursor(const std::string& cursor, const std::string& newest) {
  const std::string last = cursor.substr(cursor.find(' ') + 1);
  if (newest.empty()) return cursor;
  return (last.empty() ? newest : last) + " " + newest;
}

bool is_job_id(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

Result<std::vector<PilotSeen>> HtcondorBatch::queue(const std::string& constraint, const std::string& instance,
                                                    Context& context) {
  std::vector<std::string> arguments{"-allusers", "-constraint", constraint};
  const auto asked = columns(Listing::queue);
  arguments.insert(arguments.end(), asked.begin(), asked.end());
  auto out = tools_.query("condor_q", arguments, context);
  if (!out) return fail(out.error());
  return read(*out, Listing::queue, instance);
}

Result<std::vector<PilotSeen>> HtcondorBatch::history(const std::string& constraint,
                                                      const std::vector<std::string>& bounds,
                                                      const std::string& instance, Context& context) {
  std::vector<std::string> arguments{"-constraint", constraint};
  arguments.insert(arguments.end(), bounds.begin(), bounds.end());
  const auto asked = columns(Listing::history);
  arguments.insert(arguments.end(), asked.begin(), asked.end());
  auto out = tools_.query("condor_history", arguments, context);
  if (!out) return fail(out.error());
  return read(*out, Listing::history, instance);
}

// Who was in the queue at the last poll, or has come by our own doing since.
std::vector<std::uint64_t> HtcondorBatch::expected() {
  std::vector<std::uint64_t> fresh;
  {
    const std::lock_guard lock(mutex_);
    fresh.swap(submitted_);
  }
  std::sort(fresh.begin(), fresh.end());
  return merged(known_, fresh);
}

Status HtcondorBatch::look_back(View<BatchData>& view, const FactoryIdentity& me, const std::string& constraint,
                                const std::string& cursor, Context& context) {
  std::vector<std::string> bounds{"-scanlimit", std::to_string(settings_.history_scan), "-since"};
  const std::string stop = cursor.substr(0, cursor.find(' '));
  // by the clock that the records were written with, not by ours
  bounds.push_back(is_job_id(stop) ? stop
                                   : fmt::format("EnteredCurrentStatus < time() - {}", settings_.history_since_s));
  auto records = history(constraint, bounds, me.instance, context);
  if (!records) return fail(records.error());
  view.cursor = next_cursor(cursor, records->empty() ? "" : records->front().batch_id);
  view.evidence += fmt::format("; condor_history: {} records", records->size());
  drop_ended(view.data.live, *records);
  drop_ended(view.data.ended, *records);
  std::move(records->begin(), records->end(), std::back_inserter(view.data.ended));
  looked_ = true;
  return {};
}

// How busy the schedd is; not knowing it is no error.
float HtcondorBatch::load(Context& context) {
  if (until_load_-- > 0) return load_;
  until_load_ = kLoadEvery - 1;
  load_ = -1;
  std::vector<std::string> arguments{"-schedd", tools_.schedd()};
  if (tools_.schedd().empty()) {
    auto host = tools_.query_here("condor_config_val", {"FULL_HOSTNAME"}, context);
    if (!host) return load_;
    auto name = htcondor::constraint_string(host->substr(0, host->find('\n')), "the name of this machine");
    if (!name) return load_;
    arguments = {"-schedd", "-constraint", "Machine == " + *name};
  }
  arguments.insert(arguments.end(), {"-af:tV", "RecentDaemonCoreDutyCycle"});
  const auto out = tools_.query_pool("condor_status", arguments, context);
  if (!out) return load_;
  std::array<htcondor::Field, 1> row{};
  htcondor::RowReader reader(*out, "condor_status");
  const auto first = reader.next(row);
  if (!first || !*first) return load_;
  const auto value = row[0].real();
  // Several schedds here and none named: which is ours is not told.
  if (const auto more = reader.next(row); !more || *more) return load_;
  if (value && *value >= 0 && *value <= 1) load_ = static_cast<float>(*value);
  return load_;
}

Result<View<BatchData>> HtcondorBatch::poll(const FactoryIdentity& me, const std::string& cursor, Context& context) {
  auto constraint = of_factory(me);
  if (!constraint) return fail(constraint.error());
  View<BatchData> view;
  view.as_of = wall_now();
  view.cursor = cursor;
  auto live = queue(*constraint, me.instance, context);
  if (!live) return fail(live.error());
  if (auto ok =
          htcondor::check_queue_rows(tools_, *constraint, live->size(), last_rows_, htcondor::Doubt::fewer, context);
      !ok)
    return fail(ok.error());
  last_rows_ = live->size();
  const auto here = keys(*live);
  const auto before = expected();
  auto gone = without(before, here);
  // The list before this one did not show all: others that it did not show may have left.
  const bool strangers = !without(here, before).empty();
  view.evidence = fmt::format("condor_q: {} rows", live->size());
  view.data.ended = split_ended(*live);
  const std::vector<PilotSeen> completed = settings_.spooling ? view.data.ended : std::vector<PilotSeen>{};
  view.data.live = std::move(*live);
  if (!looked_ || strangers || !gone.empty()) {
    // Without the history the queue is as true as before; who left stays unexplained until the next poll.
    if (auto ok = look_back(view, me, *constraint, cursor, context); !ok)
      context.log(Level::warning, "no look into the history: " + ok.error().text());
    gone = without(gone, keys(view.data.ended));
    fruitless_ = gone.empty() ? 0 : fruitless_ + 1;
    if (fruitless_ >= kLooks) gone.clear();  // the factory looks for these by their submission
  }
  view.data.load = load(context);
  known_ = merged(here, gone);
  view.complete = true;
  credentials_.renew(spool_.root(me), context);
  if (settings_.spooling) fetch(completed, context);
  spool_.saw(me, view.data.live, view.data.ended, view.as_of);
  return view;
}

Result<View<std::vector<PilotSeen>>> HtcondorBatch::find(const FactoryIdentity& me,
                                                         std::span<const std::string> submissions, Context& context) {
  auto mine = of_factory(me);
  if (!mine) return fail(mine.error());
  View<std::vector<PilotSeen>> view;
  view.as_of = wall_now();
  for (std::size_t at = 0; at < submissions.size(); at += kFindChunk) {
    std::string list;
    for (const auto& id : submissions.subspan(at, std::min(kFindChunk, submissions.size() - at)))
      list += (list.empty() ? "" : ",") + id;
    auto quoted = htcondor::constraint_string(list, "a submission's id");
    if (!quoted) return fail(quoted.error());
    const std::string constraint = fmt::format("{} && stringListMember(APF_SUBMISSION, {})", *mine, *quoted);
    auto live = queue(constraint, me.instance, context);
    if (!live) return fail(live.error());
    auto past = history(constraint, {}, me.instance, context);
    if (!past) return fail(past.error());
    drop_ended(*live, *past);
    {
      // whoever leaves before the next poll is looked for in the history
      const std::lock_guard lock(mutex_);
      for (const auto& p : *live) submitted_.push_back(job_key(p.batch_id));
    }
    std::move(live->begin(), live->end(), std::back_inserter(view.data));
    std::move(past->begin(), past->end(), std::back_inserter(view.data));
  }
  view.complete = true;
  view.evidence =
      fmt::format("condor_q and condor_history: {} pilots of {} submissions", view.data.size(), submissions.size());
  return view;
}

}  // namespace apf::batch_htcondor
