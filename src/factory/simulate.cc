// `apf simulate sched`: what a queue's chain makes of given numbers, step by step.
#include <fmt/format.h>

#include <ostream>

#include "core/display_name.h"
#include "core/factory.h"
#include "factory/commands.h"
#include "factory/configured.h"
#include "factory/table.h"

namespace apf::factory {

int simulate_sched(const Target& target, const SimulateArgs& args, const Registry& registry, std::ostream& out,
                   std::ostream& err) {
  const auto configured = configured_queue(target, args.queue, registry, out, err);
  if (!configured) return kBadInput;
  const auto chain = config::build_chain(*configured->queue, registry);
  if (!chain) return complain(target, chain.error(), out, err);

  SchedInput input;
  input.wms.emplace().ready = args.ready;
  input.site = args.status;
  input.pending = args.pending;
  input.running = args.running;
  input.factory_total = args.pending + args.running;
  for (const auto& [name, step] : *chain)
    if (const auto asked = step->asks()) input.ends.push_back(*asked);  // no pilot has ended lately
  Table table({"STEP", "IN>", "OUT>", "MESSAGE"});
  std::int64_t n = 0;
  for (const auto& step : core::fold(*chain, input)) {
    table.add({core::display_name(step.plugin), fmt::to_string(step.in), fmt::to_string(step.out), step.message});
    n = step.out;
  }
  table.print(out);
  if (n < 0)
    out << fmt::format("\n{} pilots would be let go, as far as the queue's 'retire' allows.\n", -n);
  else
    out << fmt::format("\n{} pilots would be submitted, if no cap or hold says less.\n", n);
  return kGood;
}

}  // namespace apf::factory
