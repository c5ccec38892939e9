#include "factory/configured.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "config/suggest.h"
#include "factory/commands.h"

namespace apf::factory {

std::optional<config::Loaded> configuration(const Target& target, const Registry& registry, std::ostream& err) {
  auto loaded = config::load(target.config, registry, {.when = wall_now(), .fetch = outside().fetch});
  if (loaded) return std::move(*loaded);
  for (const auto& e : loaded.error()) err << "apf: " << e.text() << '\n';
  return std::nullopt;
}

std::optional<Configured> configured_queue(const Target& target, const std::string& queue, const Registry& registry,
                                           std::ostream& out, std::ostream& err) {
  auto loaded = configuration(target, registry, err);
  if (!loaded) return std::nullopt;
  const auto& queues = loaded->config->queues;
  const auto found = std::find_if(queues.begin(), queues.end(), [&](const auto& q) { return q->name == queue; });
  if (found != queues.end()) {
    auto spec = *found;
    return Configured{std::move(*loaded), std::move(spec)};
  }
  std::vector<std::string_view> names;
  for (const auto& q : queues) names.emplace_back(q->name);
  complain(target,
           {Kind::config, "config.unknown_queue", fmt::format("no queue '{}'", queue), target.config,
            config::suggest(queue, names)},
           out, err);
  return std::nullopt;
}

}  // namespace apf::factory
