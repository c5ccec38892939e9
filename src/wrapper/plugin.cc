#include "wrapper/plugin.h"

#include <algorithm>
#include <array>

#include "wrapper/kinds/exec.h"
#include "wrapper/kinds/generic.h"
#include "wrapper/kinds/panda.h"
#include "wrapper/kinds/trivial.h"

namespace apf::wrapper {
namespace {

template <class T>
std::unique_ptr<Plugin> make(const Surroundings& around) {
  return std::make_unique<T>(around);
}

constexpr std::array kKinds{
    PluginKind{.name = "generic",
               .doc = "takes jobs from the WMS and runs them",
               .asks_wms = true,
               .needs_queue = true,
               .make = make<Generic>},
    PluginKind{.name = "exec",
               .doc = "runs a program of the VO with the arguments that are no options",
               .takes_arguments = true,
               .shares_secrets = true,
               .make = make<Exec>},
    PluginKind{.name = "panda",
               .doc = "runs PanDA's pilot3; arguments that are no options go to it",
               .needs_queue = true,
               .takes_arguments = true,
               .shares_secrets = true,
               .make = make<Panda>},
    PluginKind{.name = "trivial", .doc = "runs nothing: only the node is checked", .make = make<Trivial>},
};

}  // namespace

std::span<const PluginKind> plugin_kinds() { return kKinds; }

const PluginKind* find_plugin(std::string_view name) {
  const auto* const found =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const PluginKind& k) { return k.name == name; });
  return found == kKinds.end() ? nullptr : found;
}

std::string plugin_names() {
  std::string names;
  for (const PluginKind& kind : kKinds) {
    if (!names.empty()) names += ", ";
    names += kind.name;
  }
  return names;
}

}  // namespace apf::wrapper
