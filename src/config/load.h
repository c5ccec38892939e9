// Configuration files -> core::Config: the entry of this library.
//
//   FILE                   [factory] [wms.X] [batch.X] [monitor.X] [config.X] [defaults] [queue.X], version = 1
//   queues.d/*.toml        beside FILE, in the order of their names: [queue.X] only
//   config plug-ins        bring further queues; their sections are TOML like local ones
//
// A queue is the merge of built-in defaults < [defaults] < config plug-ins in their order < its local section (RULES
// R16). Everything wrong is reported at once; nothing is half loaded. docs/configuration.md has every key.
//
// Thread-safety: pure functions but load(), which reads files; results are plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apf/registry.h"
#include "core/config.h"
#include "core/event.h"

namespace apf::config {

using Errors = std::vector<Error>;  // Kind::config; codes "config.*"; where is "file:line"

// One section in force, with the origin of each value: for `apf check --show`, diff() and the hash.
struct Section {
  std::string kind;  // factory|wms|batch|monitor|config|queue
  std::string name;  // empty for factory
  std::string plugin;
  Origin origin;
  std::span<const OptionSpec> house_specs, own_specs;
  Options house;                // what the house declares for this kind
  Options own;                  // the plug-in's options; of a queue: its `submit`
  std::vector<StepSpec> sched;  // of a queue
};

struct Loaded {
  std::shared_ptr<const core::Config> config;
  std::vector<Section> sections;
  std::vector<std::string> files;  // that were read
  std::vector<std::string> notes;  // what a person should know, but no error: "config plug-in 'x' was not asked"
  std::string sha256;              // of everything in force, in hex
};
using LoadResult = tl::expected<Loaded, Errors>;

// Asks a config plug-in for its queues. The shell gives it a Context; `apf check --offline` asks nothing.
using Fetch = std::function<Result<RawQueues>(const std::string& section, ConfigSource& source)>;

struct LoadOptions {
  std::uint32_t counter = 1;  // how many configurations this factory has loaded: part of Config::version
  Wall when{};                // likewise
  Fetch fetch{};              // empty: config plug-ins are not asked, and a note says so
};

// Reads FILE and queues.d/*.toml beside it. Further codes: "config.missing_file", "config.unreadable".
LoadResult load(const std::string& file, const Registry& registry, const LoadOptions& options);

// The same from texts: the first is FILE, the others stand in queues.d.
struct Text {
  std::string file;    // for messages
  std::string folder;  // where relative paths start
  std::string text;
};
LoadResult assemble(std::span<const Text> texts, const Registry& registry, const LoadOptions& options);

// The chain of a queue. Its options were validated at load, so an error here is a plug-in's own.
Result<core::Chain> build_chain(const QueueSpec& queue, const Registry& registry);
// A configuration with its chains, ready for core::Started and core::ConfigChanged.
Result<core::ActiveConfig> activate(std::shared_ptr<const core::Config> config, const Registry& registry);

// What is in force, as TOML that loads again; secrets are masked unless `plain`, which is for hashing only.
struct ShowOptions {
  bool origins = true;  // "# file:line" behind each value
  bool plain = false;
};
std::string show(std::span<const Section> sections, const ShowOptions& options);

// What differs, for people and for the decision whether a reload can be applied.
struct Diff {
  std::vector<std::string> added, gone, changed;  // queues
  std::vector<std::string> lines;                 // everything in words: "queue 'BNL': weight 1 -> 2"
  std::vector<std::string> needs_restart;         // settings that a running factory can't change: "factory.state_dir"
  [[nodiscard]] bool empty() const { return lines.empty(); }
};
Diff diff(const Loaded& before, const Loaded& now);

}  // namespace apf::config
