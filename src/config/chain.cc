#include <fmt/format.h>

#include "config/load.h"

namespace apf::config {

Result<core::Chain> build_chain(const QueueSpec& queue, const Registry& registry) {
  core::Chain chain;
  chain.reserve(queue.sched.size());
  for (const StepSpec& spec : queue.sched) {
    const auto* plugin = find(registry.sched, spec.use);
    if (plugin == nullptr)
      return fail(Kind::config, "config.unknown_plugin", fmt::format("no sched plug-in '{}'", spec.use),
                  queue.origin.text());
    auto step = plugin->make(spec.options);
    if (!step) return fail(std::move(step.error()));
    chain.emplace_back(spec.use, std::shared_ptr<const SchedStep>(std::move(*step)));
  }
  return chain;
}

Result<core::ActiveConfig> activate(std::shared_ptr<const core::Config> config, const Registry& registry) {
  core::ActiveConfig active;
  active.chains.reserve(config->queues.size());
  for (const auto& queue : config->queues) {
    auto chain = build_chain(*queue, registry);
    if (!chain) return fail(std::move(chain.error()));
    active.chains.push_back(std::move(*chain));
  }
  active.config = std::move(config);
  return active;
}

}  // namespace apf::config
