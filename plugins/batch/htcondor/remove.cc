// remove() and release(): each pilot only while it is in one of the given states and of the given submission
// (RULES R7).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "htcondor.h"
#include "htcondor/text.h"
#include "jobs.h"

namespace apf::batch_htcondor {
namespace {

constexpr std::size_t kLongest = 16'000;  // characters of one constraint, far below what a command line takes

// "JobStatus == 1 || ..."; empty when no state of the list can be removed.
std::string in_states(std::span<const PilotState> states) {
  std::string out;
  const auto add = [&](int status) { out += fmt::format("{}JobStatus == {}", out.empty() ? "" : " || ", status); };
  for (const auto state : states) switch (state) {
      case PilotState::pending: add(1); break;
      case PilotState::held: add(5); break;
      case PilotState::running: add(2); break;
      case PilotState::suspended: add(7); break;
      case PilotState::transferring: add(6); break;
      case PilotState::unknown:
      case PilotState::done:
      case PilotState::failed:
      case PilotState::removed: break;
    }
  return out;
}

// "ProcId >= 3 && ProcId <= 9" for each run of numbers.
std::vector<std::string> proc_ranges(std::vector<std::uint32_t> procs) {
  std::sort(procs.begin(), procs.end());
  std::vector<std::string> out;
  for (std::size_t i = 0; i < procs.size();) {
    std::size_t j = i + 1;
    while (j < procs.size() && procs[j] <= procs[j - 1] + 1) ++j;
    out.push_back(procs[i] == procs[j - 1] ? fmt::format("ProcId == {}", procs[i])
                                           : fmt::format("ProcId >= {} && ProcId <= {}", procs[i], procs[j - 1]));
    i = j;
  }
  return out;
}

using Clusters = std::map<std::pair<std::uint64_t, std::string>, std::vector<std::uint32_t>>;

// Conditions that name the pilots, each short enough for a command.
Result<std::vector<std::string>> constraints(const Clusters& clusters, const std::string& states) {
  std::vector<std::string> out;
  std::string current;
  const auto flush = [&] {
    if (!current.empty()) out.push_back(fmt::format("({}) && ({})", states, current));
    current.clear();
  };
  for (const auto& [cluster, procs] : clusters) {
    auto id = htcondor::constraint_string(cluster.second, "a submission's id");
    if (!id) return fail(id.error());
    for (const auto& range : proc_ranges(procs)) {
      if (current.size() > kLongest) flush();
      current += fmt::format("{}(ClusterId == {} && APF_SUBMISSION =?= {} && {})", current.empty() ? "" : " || ",
                             cluster.first, *id, range);
    }
  }
  flush();
  return out;
}

// What a tool does to jobs that fulfil a condition.
struct Change {
  const char* tool;
  const char* none;  // what the tool says when no job fulfils the condition
  const char* name;  // in codes of errors
};
constexpr Change kRemove{"condor_rm", "find/remove all jobs matching", "remove"};
constexpr Change kRelease{"condor_release", "find/release all jobs matching", "release"};

Result<std::int64_t> change(const htcondor::Tools& tools, const Change& how, const std::string& constraint,
                            const std::string& why, Context& context) {
  // The tools say only whether there was any; the count is of those that fulfilled the condition just before. It does
  // not decide: a condor_q that wrongly shows nothing would keep the pilots in the queue.
  auto candidates = count_jobs(tools, constraint, context);
  if (!candidates) return candidates;
  auto f = tools.run(how.tool, {"-constraint", constraint, "-reason", htcondor::plain_reason(why)}, context);
  if (!f) return fail(f.error());
  if (f->timed_out || f->signal != 0)
    return fail(Kind::uncertain, fmt::format("htcondor.{}_unanswered", how.name), "no answer before the deadline",
                how.tool, "the next poll shows what was done");
  if (f->exit_code == 0) return candidates;
  const std::string said = htcondor::complaint(*f);
  if (said.find(how.none) != std::string::npos) return 0;
  return fail(Kind::transient, fmt::format("htcondor.{}_failed", how.name),
              fmt::format("exit code {}: {}", f->exit_code, said), how.tool);
}

Result<std::int64_t> change_all(const htcondor::Tools& tools, const Change& how, std::span<const Batch::Removal> pilots,
                                const std::string& states, const std::string& why, Context& context) {
  if (states.empty() || pilots.empty()) return 0;
  Clusters clusters;
  for (const auto& p : pilots) {
    const std::uint64_t key = job_key(p.batch_id);
    clusters[{key >> 32U, p.submission}].push_back(static_cast<std::uint32_t>(key));
  }
  auto all = constraints(clusters, states);
  if (!all) return fail(all.error());
  std::int64_t changed = 0;
  for (const auto& constraint : *all) {
    auto n = change(tools, how, constraint, why, context);
    if (!n) return n;
    changed += *n;
  }
  return changed;
}

}  // namespace

Result<std::int64_t> HtcondorBatch::remove(std::span<const Removal> pilots, std::span<const PilotState> only_in,
                                           const std::string& why, Context& context) {
  return change_all(tools_, kRemove, pilots, in_states(only_in), why, context);
}

Result<std::int64_t> HtcondorBatch::release(std::span<const Removal> pilots, const std::string& why, Context& context) {
  const std::array only_in{PilotState::held};
  return change_all(tools_, kRelease, pilots, in_states(only_in), why, context);
}

}  // namespace apf::batch_htcondor
