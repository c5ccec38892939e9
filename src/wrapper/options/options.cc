#include "wrapper/options/options.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "wrapper/options/option_rows.h"
#include "wrapper/plugin.h"

namespace apf::wrapper {
namespace {

using rows::bad;
using rows::duration;
using rows::kBadOption;
using rows::Row;
using rows::text;

Status set_url(Options& o, const std::string& v) {
  if (!v.starts_with("http://") && !v.starts_with("https://"))
    return bad("'" + v + "' is not an http or https address");
  o.wms_url = v.substr(0, v.find_last_not_of('/') + 1);
  return {};
}

// A word of the lookup table: a queue, a site, a grid.
template <auto Member>
Status name(Options& o, const std::string& v) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/@+#";
  if (v.find_first_not_of(letters) != std::string::npos)
    return bad("'" + v + "' is no name", "letters, digits and _-.:/@+#");
  o.*Member = v;
  return {};
}

Status set_plugin(Options& o, const std::string& v) {
  if (find_plugin(v) == nullptr) return bad("there is no wrapper plug-in '" + v + "'", "use one of " + plugin_names());
  o.plugin = v;
  return {};
}

Status set_level_option(Options& o, const std::string& v) {
  constexpr std::array<std::string_view, 4> names{"debug", "info", "warning", "error"};
  const auto* const found = std::find(names.begin(), names.end(), v);
  if (found == names.end()) return bad("'" + v + "' is not a log level", "debug, info, warning or error");
  o.level = static_cast<Level>(found - names.begin());
  return {};
}

Status set_mode(Options& o, const std::string& v) {
  if (v != "run" && v != "dry") return bad("'" + v + "' is no mode", "run or dry");
  o.dry = v == "dry";
  return {};
}

constexpr std::array kRows{
    Row{"--wrapperplugin", "NAME", "kind of pilot, see below; default: as lookup.conf says, else generic", set_plugin},
    Row{"--wrapperwmsurl", "URL", "base address of the WMS (generic: required)", set_url},
    Row{"--wrapperwmsqueue", "NAME", "queue to ask for jobs of; SITE of lookup.conf (generic, panda: required)",
        name<&Options::wms_queue>},
    Row{"--wrapperbatchqueue", "NAME", "QUEUE of lookup.conf", name<&Options::batch_queue>},
    Row{"--wrappergrid", "NAME", "GRID of lookup.conf", name<&Options::grid>},
    Row{"--wrappervo", "NAME", "PROJECT of lookup.conf", name<&Options::vo>},
    Row{"--wrappermode", "MODE", "run, or dry: everything but running the pilot", set_mode},
    Row{"--wrappertokenfile", "FILE", "token for the WMS; a copy in the working directory is removed at the start",
        text<&Options::token_file>},
    Row{"--wrapperlabel", "LABEL", "prodSourceLabel to ask for; default managed, empty: any", text<&Options::label>},
    Row{"--wrapperresourcetype", "TYPE", "resource type to ask for; default: any", text<&Options::resource_type>},
    Row{"--wrapperlifetime", "DURATION", "no job is taken after it; default 2h", duration<&Options::lifetime>},
    Row{"--wrappergrace", "DURATION", "between SIGTERM and SIGKILL of a payload; default 10s, panda 3min",
        duration<&Options::grace>},
    Row{"--wrapperpatience", "DURATION", "how long a silent WMS is asked again; default 2min",
        duration<&Options::patience>},
    Row{"--wrappermemory", "SIZE", "memory of the slot, told to the WMS; default: not told",
        rows::size<&Options::memory>},
    Row{"--wrappermaxjobs", "N", "most jobs of one pilot; default 0: no limit", rows::number<&Options::max_jobs>},
    Row{"--wrapperscratch", "DIR", "where the scratch directory is made", text<&Options::scratch>},
    Row{"--wrapperloglevel", "LEVEL", "debug, info, warning or error; default info", set_level_option},
    Row{"--wrapperhome", "DIR", "set by the bootstrap: the unpacked tarball, removed at the start",
        text<&Options::home>},
};

std::vector<std::span<const Row>> tables() {
  return {kRows, rows::of_node(), rows::of_running(), rows::of_code(), rows::of_bootstrap()};
}

// Names in AutoPyFactory's older wrappers.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kAliases{{
    {"--pandasite", "--wrapperwmsqueue"},
    {"--pandaqueue", "--wrapperbatchqueue"},
    {"--pandagrid", "--wrappergrid"},
    {"--pandaproject", "--wrappervo"},
    {"--wrapperproject", "--wrappervo"},
    {"--pandaserverurl", "--wrapperwmsurl"},
    {"--wrapperserverurl", "--wrapperwmsurl"},
    {"--pandawrappertarballurl", "--wrappertarballurl"},
    {"--wrappertarballuri", "--wrappertarballurl"},
    {"--pandaspecialcmd", "--wrapperspecialcmd"},
    {"--pandaplugin", "--wrapperplugin"},
    {"--pandapilottype", "--wrapperpilottype"},
    {"--pandaloglevel", "--wrapperloglevel"},
    {"--extraopts", "--wrapperextraopts"},
}};

const Row* find_row(std::string_view name) {
  for (const auto& [alias, present] : kAliases)
    if (alias == name) return find_row(present);
  for (const auto& table : tables())
    for (const Row& row : table)
      if (row.name == name) return &row;
  return nullptr;
}

Status apply(Options& o, const Row& row, const std::string& name, const std::string& value) {
  if (value.find_first_of(std::string_view("\0\n\r", 3)) != std::string::npos)
    return fail(Kind::config, kBadOption, "the value holds a line break", name);
  if (auto set = row.set(o, value); !set) {
    set.error().code = kBadOption;
    set.error().where = name;
    return set;
  }
  return {};
}

tl::unexpected<Error> unknown(const std::string& word) {
  return fail(Kind::config, kBadOption, "unknown option '" + word + "'", {}, "apf-wrapper --help lists the options");
}

Status required(const std::string& value, const char* name) {
  if (!value.empty()) return {};
  return fail(Kind::config, kBadOption, std::string("option ") + name + " is missing");
}

}  // namespace

Result<Options> parse_options(std::span<const std::string> arguments) {
  Options o;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      const auto rest = arguments.subspan(i + 1);
      o.code.arguments.insert(o.code.arguments.end(), rest.begin(), rest.end());
      break;
    }
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const Row* const row = find_row(name);
    if (row == nullptr) {
      if (name.starts_with("--wrapper") || name.starts_with("--panda")) return unknown(name);
      o.code.arguments.push_back(argument);
      continue;
    }
    if (equals == std::string::npos && i + 1 == arguments.size())
      return fail(Kind::config, kBadOption, "option '" + argument + "' has no value");
    const std::string value = equals == std::string::npos ? arguments[++i] : argument.substr(equals + 1);
    if (auto ok = apply(o, *row, name, value); !ok) return fail(std::move(ok.error()));
  }
  return o;
}

Status check_options(const Options& o, const PluginKind& kind) {
  if (!kind.takes_arguments && !o.code.arguments.empty()) return unknown(o.code.arguments.front());
  if (kind.asks_wms)
    if (auto ok = required(o.wms_url, "--wrapperwmsurl"); !ok) return ok;
  if (kind.needs_queue)
    if (auto ok = required(o.wms_queue, "--wrapperwmsqueue"); !ok) return ok;
  return {};
}

std::string usage() {
  std::string s = "usage: apf-wrapper [OPTION VALUE]... [ARGUMENT OF THE PILOT]...\n";
  for (const auto& table : tables())
    for (const Row& row : table) {
      std::string left = "  " + std::string(row.name) + " " + std::string(row.value);
      left.resize(std::max<std::size_t>(left.size() + 2, 38), ' ');
      s += left + std::string(row.doc) + "\n";
    }
  s += "older names of options:\n";
  for (const auto& [alias, present] : kAliases) s += "  " + std::string(alias) + " is " + std::string(present) + "\n";
  s += "kinds of pilots:\n";
  for (const PluginKind& kind : plugin_kinds()) {
    std::string left = "  " + std::string(kind.name);
    left.resize(38, ' ');
    s += left + std::string(kind.doc) + "\n";
  }
  return s;
}

}  // namespace apf::wrapper
