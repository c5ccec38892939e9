#include "engine/assembly.h"

#include <utility>

#include "engine/journal_codec.h"
#include "engine/replay.h"

namespace apf::engine {
namespace {

// `kind` is the section's: "wms". Makes all instances of a kind, or takes them over from `before`.
template <class Spec, class Interface>
Status make_sources(const char* kind, const std::vector<Spec>& specs, const std::vector<Plugin<Interface>>& plugins,
                    const std::map<std::string, std::shared_ptr<Source<Spec, Interface>>, std::less<>>* before,
                    std::map<std::string, std::shared_ptr<Source<Spec, Interface>>, std::less<>>& made) {
  for (const auto& spec : specs) {
    if (before != nullptr)
      if (const auto old = before->find(spec.name); old != before->end() && old->second->spec == spec) {
        made.insert(*old);
        continue;
      }
    const auto* plugin = find(plugins, spec.plugin);
    const std::string where = std::string("[") + kind + "." + spec.name + "]";
    if (plugin == nullptr)
      return fail(Kind::config, "config.unknown_plugin",
                  std::string("there is no ") + kind + " plug-in '" + spec.plugin + "'", where,
                  std::string("`apf plugins ") + kind + "` lists them");
    auto instance = plugin->make(spec.options);
    if (!instance) {
      Error e = instance.error();
      if (e.where.empty()) e.where = where;
      return fail(std::move(e));
    }
    made[spec.name] = std::make_shared<Source<Spec, Interface>>(Source<Spec, Interface>{spec, std::move(*instance)});
  }
  return {};
}

// Steps are immutable, so queues with the same step share it: a thousand queues that inherit one chain cost one chain.
class ChainMaker {
 public:
  explicit ChainMaker(const Registry& registry) : registry_(registry) {}

  Result<core::Chain> make(const QueueSpec& queue) {
    core::Chain chain;
    for (const auto& step : queue.sched) {
      std::string key = step.use + " ";
      put_options(key, step.options);
      auto& known = steps_[key];
      if (!known) {
        auto made = make_chain({step}, registry_);
        if (!made) {
          Error e = made.error();
          if (e.where.empty()) e.where = queue.origin.text();
          return fail(std::move(e));
        }
        known = made->front().second;
      }
      chain.emplace_back(step.use, known);
    }
    return chain;
  }

 private:
  const Registry& registry_;
  std::map<std::string, std::shared_ptr<const SchedStep>> steps_;
};

}  // namespace

Result<std::shared_ptr<const Assembly>> assemble(std::shared_ptr<const core::Config> config, const FactoryIdentity& me,
                                                 const Registry& registry, const Assembly* before) {
  auto a = std::make_shared<Assembly>();
  Status made = make_sources("wms", config->wms, registry.wms, before != nullptr ? &before->wms : nullptr, a->wms);
  if (made)
    made = make_sources("batch", config->batch, registry.batch, before != nullptr ? &before->batch : nullptr, a->batch);
  if (made)
    made = make_sources("monitor", config->monitors, registry.monitor, before != nullptr ? &before->monitors : nullptr,
                        a->monitors);
  if (!made) return fail(made.error());
  auto introduced = me;
  introduced.harvester_id.clear();
  std::string report_url = me.report_url;
  for (const auto& [name, monitor] : a->monitors) {
    introduced.report_url.clear();
    monitor->plugin->introduce(introduced);
    if (introduced.report_url.empty()) continue;
    if (!a->pilots_report_to.empty())
      return fail(Kind::config, "monitor.two_for_pilots",
                  "pilots can report to one monitor only, and '" + a->pilots_report_to + "' is another one",
                  "monitor." + name, "set pilots = \"factory\" in one of them");
    a->pilots_report_to = name;
    report_url = introduced.report_url;
  }
  introduced.report_url = std::move(report_url);
  a->me = std::make_shared<const FactoryIdentity>(std::move(introduced));
  ChainMaker chains(registry);
  for (const auto& queue : config->queues) {
    auto chain = chains.make(*queue);
    if (!chain) return fail(chain.error());
    a->active.chains.push_back(std::move(*chain));
    const auto batch = a->batch.find(queue->batch);
    a->active.chooses_nodes.push_back(batch != a->batch.end() && batch->second->plugin->chooses_nodes(*queue));
  }
  a->active.config = std::move(config);
  return std::shared_ptr<const Assembly>(std::move(a));
}

}  // namespace apf::engine
