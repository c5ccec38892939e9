// Contacting the world for `apf check`: config plug-ins are asked, each source is polled once.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>

#include "engine/call_context.h"
#include "factory/commands.h"

namespace apf::factory {
namespace {

constexpr Duration kPatience = seconds{15};  // a person waits
constexpr Duration kFetchTimeout = seconds{60};

std::unique_ptr<Context> context_for(const std::string& topic, Duration timeout) {
  return engine::make_context(topic, mono_now() + timeout, std::make_shared<engine::Stop>());
}

// A factory that does not exist, with a folder of its own: plug-ins keep things in their state directory, and that of
// the configuration may belong to a factory that runs.
class NobodysState {
 public:
  NobodysState() {
    std::error_code ec;
    std::string name = std::filesystem::temp_directory_path(ec) / "apf-check-XXXXXX";
    if (!ec && mkdtemp(name.data()) != nullptr) me_.state_dir = name;
    me_.factory_id = "apf-check";
    me_.instance = "apf-check";
    me_.log_dir = me_.state_dir + "/logs";
  }
  NobodysState(const NobodysState&) = delete;
  NobodysState& operator=(const NobodysState&) = delete;
  ~NobodysState() {
    std::error_code ignored;
    if (!me_.state_dir.empty()) std::filesystem::remove_all(me_.state_dir, ignored);
  }
  [[nodiscard]] const FactoryIdentity& me() const { return me_; }

 private:
  FactoryIdentity me_;
};

Error at(Error error, const std::string& section) {
  error.where = error.where.empty() ? section : section + ": " + error.where;
  return error;
}

std::vector<std::string> queues_of(const core::Config& config, const std::string& wms) {
  std::set<std::string> names;
  for (const auto& q : config.queues)
    if (q->wms == wms && q->enabled) names.insert(q->wms_queue);
  return {names.begin(), names.end()};
}

bool known(const DemandData& data, const std::string& queue) {
  return std::any_of(data.sites.begin(), data.sites.end(), [&](const auto& s) { return s.first == queue; }) ||
         std::any_of(data.cells.begin(), data.cells.end(), [&](const auto& c) { return c.wms_queue == queue; });
}

void poll_wms(const core::WmsSource& source, const core::Config& config, const Registry& registry,
              config::Errors& found) {
  const auto* plugin = find(registry.wms, source.plugin);
  const auto queues = queues_of(config, source.name);
  if (plugin == nullptr || queues.empty()) return;
  const std::string section = fmt::format("[wms.{}]", source.name);
  auto wms = plugin->make(source.options);
  if (!wms) {
    found.push_back(at(wms.error(), section));
    return;
  }
  const auto view = (*wms)->poll(queues, "", *context_for("wms." + source.name, std::min(source.timeout, kPatience)));
  if (!view) {
    found.push_back(at(view.error(), section));
    return;
  }
  if (!view->complete) return;  // absence means nothing then
  for (const auto& q : queues)
    if (!known(view->data, q))
      found.push_back({Kind::config, "wms.unknown_queue", fmt::format("the WMS does not know the queue '{}'", q),
                       section, "correct wms_queue"});
}

void poll_batch(const core::BatchSource& source, const Registry& registry, const FactoryIdentity& me,
                config::Errors& found) {
  const auto* plugin = find(registry.batch, source.plugin);
  if (plugin == nullptr) return;
  const std::string section = fmt::format("[batch.{}]", source.name);
  auto batch = plugin->make(source.options);
  if (!batch) {
    found.push_back(at(batch.error(), section));
    return;
  }
  const auto view = (*batch)->poll(me, "", *context_for("batch." + source.name, std::min(source.timeout, kPatience)));
  if (!view) found.push_back(at(view.error(), section));
}

config::Errors unreachable(const config::Loaded& loaded, const Registry& registry) {
  config::Errors found;
  for (const auto& w : loaded.config->wms) poll_wms(w, *loaded.config, registry, found);
  const NobodysState nobody;
  for (const auto& b : loaded.config->batch) poll_batch(b, registry, nobody.me(), found);
  return found;
}

Result<RawQueues> fetch(const std::string& section, ConfigSource& source) {
  auto view = source.load(*context_for("config." + section, kFetchTimeout));
  if (!view) return fail(view.error());
  return std::move(view->data);
}

}  // namespace

Outside outside() { return {.fetch = fetch, .unreachable = unreachable}; }

}  // namespace apf::factory
