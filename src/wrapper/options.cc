#include "wrapper/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <string_view>

#include "apf/options.h"
#include "wrapper/plugin.h"

namespace apf::wrapper {
namespace {

constexpr const char* kBadOption = "wrapper.bad_option";

using Setter = Status (*)(Options&, const std::string&);
struct Known {
  std::string_view name, value, doc;
  Setter set;
};

template <auto Member>
Status text(Options& o, const std::string& v) {
  o.*Member = v;
  return {};
}

template <auto Member>
Status duration(Options& o, const std::string& v) {
  auto d = parse_duration(v);
  if (!d) return fail(std::move(d.error()));
  if (*d < Duration::zero()) return fail(Kind::config, kBadOption, "'" + v + "' is negative");
  o.*Member = *d;
  return {};
}

Status set_url(Options& o, const std::string& v) {
  if (!v.starts_with("http://") && !v.starts_with("https://"))
    return fail(Kind::config, kBadOption, "'" + v + "' is not an http or https address");
  o.wms_url = v.substr(0, v.find_last_not_of('/') + 1);
  return {};
}

Status set_plugin(Options& o, const std::string& v) {
  if (find_plugin(v) == nullptr)
    return fail(Kind::config, kBadOption, "there is no wrapper plug-in '" + v + "'", {},
                "use one of " + plugin_names());
  o.plugin = v;
  return {};
}

Status set_memory(Options& o, const std::string& v) {
  const auto size = parse_size(v);
  if (!size) return fail(size.error());
  o.memory = *size;
  return {};
}

Status set_max_jobs(Options& o, const std::string& v) {
  const char* end = v.data() + v.size();
  std::int64_t n = 0;
  if (const auto r = std::from_chars(v.data(), end, n); r.ec != std::errc{} || r.ptr != end || n < 0)
    return fail(Kind::config, kBadOption, "'" + v + "' is not a number of jobs");
  o.max_jobs = n;
  return {};
}

Status set_level_option(Options& o, const std::string& v) {
  constexpr std::array<std::string_view, 4> names{"debug", "info", "warning", "error"};
  const auto* const found = std::find(names.begin(), names.end(), v);
  if (found == names.end())
    return fail(Kind::config, kBadOption, "'" + v + "' is not a log level", {}, "debug, info, warning or error");
  o.level = static_cast<Level>(found - names.begin());
  return {};
}

Status ignore(Options& /*o*/, const std::string& /*v*/) { return {}; }

constexpr std::array kKnown{
    Known{"--wrapperplugin", "NAME", "kind of pilot, see below; default generic", set_plugin},
    Known{"--wrapperwmsurl", "URL", "base address of the WMS (generic: required)", set_url},
    Known{"--wrapperwmsqueue", "NAME", "queue to ask for jobs of (generic: required)", text<&Options::wms_queue>},
    Known{"--wrappertokenfile", "FILE", "token for the WMS; a copy in the working directory is removed at the start",
          text<&Options::token_file>},
    Known{"--wrapperlabel", "LABEL", "prodSourceLabel to ask for; default managed, empty: any", text<&Options::label>},
    Known{"--wrapperresourcetype", "TYPE", "resource type to ask for; default: any", text<&Options::resource_type>},
    Known{"--wrapperlifetime", "DURATION", "no job is taken after it; default 2h", duration<&Options::lifetime>},
    Known{"--wrappergrace", "DURATION", "between SIGTERM and SIGKILL of a payload; default 10s",
          duration<&Options::grace>},
    Known{"--wrapperpatience", "DURATION", "how long a silent WMS is asked again; default 2min",
          duration<&Options::patience>},
    Known{"--wrappermemory", "SIZE", "memory of the slot, told to the WMS; default: not told", set_memory},
    Known{"--wrappermaxjobs", "N", "most jobs of one pilot; default 0: no limit", set_max_jobs},
    Known{"--wrapperscratch", "DIR", "where the scratch directory is made", text<&Options::scratch>},
    Known{"--wrapperloglevel", "LEVEL", "debug, info, warning or error; default info", set_level_option},
    Known{"--wrapperfetched", "FILE", "set by the bootstrap: the wrapper's file, removed at the start",
          text<&Options::fetched>},
    Known{"--wrapperurl", "URL", "for the bootstrap", ignore},
    Known{"--wrappersha256", "HEX", "for the bootstrap", ignore},
};

Status apply(Options& o, const std::string& name, const std::string& value) {
  const auto* const known = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& k) { return k.name == name; });
  if (known == kKnown.end())
    return fail(Kind::config, kBadOption, "unknown option '" + name + "'", {}, "apf-wrapper --help lists the options");
  if (value.find_first_of(std::string_view("\0\n\r", 3)) != std::string::npos)
    return fail(Kind::config, kBadOption, "the value holds a line break", name);
  if (auto set = known->set(o, value); !set) {
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
  for (const Known& k : kKnown) {
    std::string left = "  " + std::string(k.name) + " " + std::string(k.value);
    left.resize(std::max<std::size_t>(left.size() + 2, 34), ' ');
    s += left + std::string(k.doc) + "\n";
  }
  s += "kinds of pilots:\n";
  for (const PluginKind& kind : plugin_kinds()) {
    std::string left = "  " + std::string(kind.name);
    left.resize(34, ' ');
    s += left + std::string(kind.doc) + "\n";
  }
  return s;
}

}  // namespace apf::wrapper
