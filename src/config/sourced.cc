// Queues from config plug-ins: asked, parsed like local ones.
#include <fmt/format.h>

#include "config/assembly.h"

namespace apf::config {
namespace {

constexpr std::size_t kLongestDocument = std::size_t{64} << 20;  // it comes from elsewhere

void parse_sourced(const std::string& source, const RawQueues& documents, Assembly& a) {
  std::vector<RawQueue> queues;
  const std::string what = fmt::format("a document of [config.{}], which holds only [queue.NAME]", source);
  for (const RawDocument& d : documents) {
    if (d.text.size() > kLongestDocument)
      a.error("config.bad_value", "the document is longer than 64 MiB", {d.name, 1});
    else
      (void)read_queue_document({d.name, d.folder, d.text}, what, queues, a);
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
