#include "avoid.h"

#include <fmt/format.h>

#include "flavour.h"
#include "htcondor.h"
#include "htcondor/text.h"
#include "jobs.h"

namespace apf::batch_htcondor {

std::string node_list(std::span<const std::string> nodes) {
  std::string list;
  for (const auto& node : nodes)
    if (htcondor::is_word(node, ".-_")) list += (list.empty() ? "" : ",") + node;
  return list;
}

bool HtcondorBatch::chooses_nodes(const QueueSpec& queue) const {
  const auto flavour = flavour_of(queue.submit);
  return queue.exclude_nodes && flavour && *flavour == Flavour::vanilla;
}

// Pilots submitted with exclude_nodes = false have no list, and get none.
Result<std::int64_t> HtcondorBatch::avoid(const FactoryIdentity& me, const std::string& queue,
                                          std::span<const std::string> nodes, Context& context) {
  const auto mine = of_factory(me);
  if (!mine) return fail(mine.error());
  const auto name = htcondor::constraint_string(queue, "a queue's name");
  if (!name) return fail(name.error());
  const std::string list = '"' + node_list(nodes) + '"';
  const auto constraint =
      fmt::format("{} && MATCH_APF_QUEUE =?= {} && JobStatus == 1 && APF_AVOID =!= undefined && APF_AVOID =!= {}",
                  *mine, *name, list);
  // condor_qedit calls it a failure when there is nobody to tell
  auto told = count_jobs(tools_, constraint, context);
  if (!told || *told == 0) return told;
  auto done = tools_.run("condor_qedit", {"-constraint", constraint, "APF_AVOID", list}, context);
  if (!done) return fail(done.error());
  if (done->timed_out || done->signal != 0 || done->exit_code != 0)
    return fail(Kind::transient, "htcondor.avoid_failed",
                fmt::format("exit code {}: {}", done->exit_code, htcondor::complaint(*done)), "condor_qedit");
  return told;
}

}  // namespace apf::batch_htcondor
