// remove(): each pilot only while it is in one of the given states and of the given submission (RULES R7).
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "htcondor.h"
#include "htcondor/text.h"

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

}  // namespace

Result<std::int64_t> HtcondorBatch::remove(std::span<const Removal> pilots, std::span<const PilotState> only_in,
                                           const std::string& why, Context& context) {
  const std::string states = in_states(only_in);
  if (states.empty() || pilots.empty()) return 0;
  Clusters clusters;
  for (const auto& p : pilots) {
    const std::uint64_t key = job_key(p.batch_id);
    clusters[{key >> 32U, p.submission}].push_back(static_cast<std::uint32_t>(key));
  }
  auto all = constraints(clusters, states);
  if (!all) return fail(all.error());
  std::int64_t removed = 0;
  for (const auto& constraint : *all) {
    // condor_rm says only whether there was any; the count is of those that fulfilled the condition just before.
    auto before = tools_.query("condor_q", {"-allusers", "-constraint", constraint, "-af", "ClusterId"}, context);
    if (!before) return fail(before.error());
    const auto candidates = std::count(before->begin(), before->end(), '\n');
    if (candidates == 0) continue;
    auto f = tools_.run("condor_rm", {"-constraint", constraint, "-reason", htcondor::plain_reason(why)}, context);
    if (!f) return fail(f.error());
    if (f->timed_out || f->signal != 0)
      return fail(Kind::uncertain, "htcondor.remove_unanswered", "no answer before the deadline", "condor_rm",
                  "the next poll shows what was removed");
    const std::string said = htcondor::complaint(*f);
    if (f->exit_code == 0)
      removed += candidates;
    else if (said.find("find/remove all jobs matching") == std::string::npos)
      return fail(Kind::transient, "htcondor.remove_failed", fmt::format("exit code {}: {}", f->exit_code, said),
                  "condor_rm");
  }
  return removed;
}

}  // namespace apf::batch_htcondor
