// Queues from config plug-ins: asked, parsed like local ones.
#include <fmt/format.h>

#include "config/assembly.h"

namespace apf::config {
namespace {

constexpr std::size_t kLargestSection = std::size_t{1} << 20;  // it comes from elsewhere

void parse_sourced(const std::string& source, const RawQueues& raw, Assembly& a) {
  std::vector<RawQueue> queues;
  for (const auto& [name, text] : raw) {
    const std::string file = fmt::format("config.{}:{}", source, name);
    if (text.size() > kLargestSection) {
      a.error("config.bad_value", "the section is longer than 1 MiB", {file, 1});
      continue;
    }
    auto value = parse_toml(text, file, "");
    if (!value) {
      a.errors.push_back(std::move(value.error()));
      continue;
    }
    // The name passes the same checks as a local one.
    Value root;
    root.data = Value::Members{Member{"queue", {}, {file, 1}}};
    auto& queue = std::get<Value::Members>(root.data).front().value;
    queue.data = Value::Members{Member{name, std::move(*value), {file, 1}}};
    collect_queues(root, queues, a);
  }
  a.sourced.push_back(std::move(queues));
}

void ask(const Section& s, Assembly& a) {
  const auto* plugin = find(a.registry.config, s.plugin);
  if (plugin == nullptr) return;  // told at its section
  auto source = plugin->make(s.own);
  if (!source) return;
  auto raw = a.options.fetch(s.name, **source);
  if (raw) {
    parse_sourced(s.name, *raw, a);
    return;
  }
  if (raw.error().where.empty()) raw.error().where = fmt::format("[config.{}]", s.name);
  a.errors.push_back(std::move(raw.error()));
}

}  // namespace

void ask_config_plugins(Assembly& a) {
  const std::vector<Section> sections = a.sections;  // asking adds none, but errors say where they stand
  for (const Section& s : sections) {
    if (s.kind != "config") continue;
    if (!a.options.fetch) {
      a.sources_asked = false;
      a.notes.push_back(fmt::format("[config.{}] was not asked; its queues were not checked", s.name));
    } else if (a.errors.empty()) {
      ask(s, a);
    }
  }
}

}  // namespace apf::config
