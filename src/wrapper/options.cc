#include "wrapper/options.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "wrapper/option_rows.h"
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

Status ignore(Options& /*o*/, const std::string& /*v*/) { return {}; }

constexpr std::array kRows{
    Row{"--wrapperplugin", "NAME", "kind of pilot, see below; default generic", set_plugin},
    Row{"--wrapperwmsurl", "URL", "base address of the WMS (generic: required)", set_url},
    Row{"--wrapperwmsqueue", "NAME", "queue to ask for jobs of (generic: required)", text<&Options::wms_queue>},
    Row{"--wrappertokenfile", "FILE", "token for the WMS; a copy in the working directory is removed at the start",
        text<&Options::token_file>},
    Row{"--wrapperlabel", "LABEL", "prodSourceLabel to ask for; default managed, empty: any", text<&Options::label>},
    Row{"--wrapperresourcetype", "TYPE", "resource type to ask for; default: any", text<&Options::resource_type>},
    Row{"--wrapperlifetime", "DURATION", "no job is taken after it; default 2h", duration<&Options::lifetime>},
    Row{"--wrappergrace", "DURATION", "between SIGTERM and SIGKILL of a payload; default 10s",
        duration<&Options::grace>},
    Row{"--wrapperpatience", "DURATION", "how long a silent WMS is asked again; default 2min",
        duration<&Options::patience>},
    Row{"--wrappermemory", "SIZE", "memory of the slot, told to the WMS; default: not told",
        rows::size<&Options::memory>},
    Row{"--wrappermaxjobs", "N", "most jobs of one pilot; default 0: no limit", rows::number<&Options::max_jobs>},
    Row{"--wrapperscratch", "DIR", "where the scratch directory is made", text<&Options::scratch>},
    Row{"--wrapperloglevel", "LEVEL", "debug, info, warning or error; default info", set_level_option},
    Row{"--wrapperfetched", "FILE", "set by the bootstrap: the wrapper's file, removed at the start",
        text<&Options::fetched>},
    Row{"--wrapperurl", "URL", "for the bootstrap", ignore},
    Row{"--wrappersha256", "HEX", "for the bootstrap", ignore},
};

std::vector<std::span<const Row>> tables() { return {kRows, rows::of_node(), rows::of_running()}; }

const Row* find_row(std::string_view name) {
  for (const auto& table : tables())
    for (const Row& row : table)
      if (row.name == name) return &row;
  return nullptr;
}

Status apply(Options& o, const std::string& name, const std::string& value) {
  const Row* const row = find_row(name);
  if (row == nullptr)
    return fail(Kind::config, kBadOption, "unknown option '" + name + "'", {}, "apf-wrapper --help lists the options");
  if (value.find_first_of(std::string_view("\0\n\r", 3)) != std::string::npos)
    return fail(Kind::config, kBadOption, "the value holds a line break", name);
  if (auto set = row->set(o, value); !set) {
    set.error().code = kBadOption;
    set.error().where = name;
    return set;
  }
  return {};
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
    const std::size_t equals = argument.find('=');
    std::string value;
    if (equals != std::string::npos)
      value = argument.substr(equals + 1);
    else if (i + 1 < arguments.size())
      value = arguments[++i];
    else
      return fail(Kind::config, kBadOption, "an option with its value is expected, not '" + argument + "'");
    if (auto ok = apply(o, argument.substr(0, equals), value); !ok) return fail(std::move(ok.error()));
  }
  if (!find_plugin(o.plugin)->asks_wms) return o;
  if (auto ok = required(o.wms_url, "--wrapperwmsurl"); !ok) return fail(std::move(ok.error()));
  if (auto ok = required(o.wms_queue, "--wrapperwmsqueue"); !ok) return fail(std::move(ok.error()));
  return o;
}

std::string usage() {
  std::string s = "usage: apf-wrapper --wrapperwmsurl URL --wrapperwmsqueue QUEUE [option VALUE]...\n";
  for (const auto& table : tables())
    for (const Row& row : table) {
      std::string left = "  " + std::string(row.name) + " " + std::string(row.value);
      left.resize(std::max<std::size_t>(left.size() + 2, 38), ' ');
      s += left + std::string(row.doc) + "\n";
    }
  s += "kinds of pilots:\n";
  for (const PluginKind& kind : plugin_kinds()) {
    std::string left = "  " + std::string(kind.name);
    left.resize(38, ' ');
    s += left + std::string(kind.doc) + "\n";
  }
  return s;
}

}  // namespace apf::wrapper
