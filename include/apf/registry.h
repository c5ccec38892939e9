// The registry of plug-ins. Each plug-in folder plugins/<kind>/<name>/plugin.cc defines
// `void apf::register_<kind>_<name>(Registry&)`; CMake generates the list that calls them all.
//
// Thread-safety: filled once at start, read-only afterwards.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apf/batch.h"
#include "apf/config_source.h"
#include "apf/monitor.h"
#include "apf/options.h"
#include "apf/sched.h"
#include "apf/wms.h"

namespace apf {

// What every plug-in says of itself. `make` is given validated options and fails only for reasons of configuration.
template <class Interface>
struct Plugin {
  std::string_view name;
  std::string_view summary;  // one sentence
  std::span<const OptionSpec> options;
  Result<std::unique_ptr<Interface>> (*make)(const Options& options) = nullptr;
};

class Registry {
 public:
  void add(const Plugin<Wms>& p) { wms.push_back(p); }
  void add(const Plugin<Batch>& p) { batch.push_back(p); }
  void add(const Plugin<SchedStep>& p) { sched.push_back(p); }
  void add(const Plugin<Monitor>& p) { monitor.push_back(p); }
  void add(const Plugin<ConfigSource>& p) { config.push_back(p); }

  std::vector<Plugin<Wms>> wms;
  std::vector<Plugin<Batch>> batch;
  std::vector<Plugin<SchedStep>> sched;
  std::vector<Plugin<Monitor>> monitor;
  std::vector<Plugin<ConfigSource>> config;
};

// The plug-in of that name, or nothing.
template <class Interface>
const Plugin<Interface>* find(const std::vector<Plugin<Interface>>& plugins, std::string_view name) {
  for (const auto& p : plugins)
    if (p.name == name) return &p;
  return nullptr;
}

// All plug-ins of this build (generated).
void register_all(Registry& registry);

}  // namespace apf
