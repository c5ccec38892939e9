// What the parts of assemble() share. Internal to src/config.
//
// Thread-safety: one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "config/options_table.h"
#include "config/value.h"

namespace apf::config {

// A plug-in of any kind, without its interface.
struct AnyPlugin {
  std::span<const OptionSpec> options;
  std::function<Status(const Options&)> try_make;  // does the plug-in take these options?
};
std::optional<AnyPlugin> find_plugin(const Registry& registry, std::string_view kind, std::string_view name);
std::vector<std::string_view> plugin_names(const Registry& registry, std::string_view kind);

// One queue as one layer gives it.
struct RawQueue {
  std::string name;
  Origin origin;
  Value value;
};

struct Assembly {
  const Registry& registry;
  const LoadOptions& options;
  Errors errors{};
  std::vector<std::string> notes{};
  std::vector<Section> sections{};

  Value defaults{};                              // [defaults]; an empty table without one
  std::vector<RawQueue> local{};                 // [queue.X] of all files
  std::vector<std::vector<RawQueue>> sourced{};  // a list a config plug-in
  bool sources_asked = true;                     // false: queues may be incomplete without their sources

  void error(std::string code, std::string what, const Origin& where, std::string advice = {});
  [[nodiscard]] const Section* section(std::string_view kind, std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> names(std::string_view kind) const;
};

// sources.cc: [factory], [wms.X], [batch.X], [monitor.X], [config.X]
void read_factory(const Value& root, const std::string& file, Assembly& a);
void read_sources(const Value& root, std::string_view kind, Assembly& a);
// Makes the plug-in once to see whether it takes the options; its errors are the section's.
void try_plugin(const AnyPlugin& plugin, const Options& options, const Origin& where, Assembly& a);

// queues.cc
void collect_queues(const Value& root, std::vector<RawQueue>& into, Assembly& a);
void read_queues(Assembly& a);

// assemble.cc: a document that holds only [queue.NAME], and perhaps a version. False when it can't be judged.
bool read_queue_document(const Text& text, const std::string& what, std::vector<RawQueue>& into, Assembly& a);

// sourced.cc
void ask_config_plugins(Assembly& a);

// settings.cc: validated sections -> values
core::Config make_config(std::span<const Section> sections);

// Letters, digits, '.', '_', '-'; neither empty nor "." nor "..": names that stand in paths and scopes.
bool plain_name(std::string_view name);
// A queue's folder in the log tree (src/protocol/launch maps the same way).
std::string log_folder(std::string_view queue);

}  // namespace apf::config
