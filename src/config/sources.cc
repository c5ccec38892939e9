// Sections that name a plug-in, and [factory].
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "config/assembly.h"
#include "config/schema.h"
#include "config/suggest.h"

namespace apf::config {
namespace {

template <class Interface>
std::optional<AnyPlugin> any(const std::vector<Plugin<Interface>>& plugins, std::string_view name) {
  const auto* p = find(plugins, name);
  if (p == nullptr) return std::nullopt;
  return AnyPlugin{p->options, [p](const Options& options) -> Status {
                     const auto made = p->make(options);
                     if (!made) return fail(made.error());
                     return {};
                   }};
}

template <class Interface>
std::vector<std::string_view> names_of(const std::vector<Plugin<Interface>>& plugins) {
  std::vector<std::string_view> names;
  for (const auto& p : plugins) names.push_back(p.name);
  return names;
}

// state_dir holds a folder a batch section beside the factory's own files.
constexpr std::array<std::string_view, 5> kReserved{"lock", "ledger.db", "apf.sock", "journal", "logs"};

bool good_source_name(std::string_view kind, const Member& m, Assembly& a) {
  if (!plain_name(m.key)) {
    a.error("config.bad_name", fmt::format("'{}' can't be the name of a section", m.key), m.origin,
            "letters, digits, '.', '_' and '-', at most 64");
    return false;
  }
  if (kind == "batch" && std::find(kReserved.begin(), kReserved.end(), m.key) != kReserved.end()) {
    a.error("config.bad_name", fmt::format("[batch.{}] would share a name with the factory's own files", m.key),
            m.origin, "choose another name");
    return false;
  }
  return true;
}

// A key that the plug-in knows, only elsewhere, deserves a better word than "unknown".
void explain_scope(const AnyPlugin& plugin, const Value& table, Errors& errors, std::size_t first) {
  std::vector<std::string_view> elsewhere;
  add_names(plugin.options, Scope::queue, elsewhere);
  for (std::size_t i = first; i < errors.size(); ++i)
    for (const Member& m : *table.table())
      if (errors[i].where == m.origin.text() && errors[i].what.find("'" + m.key + "'") != std::string::npos &&
          std::find(elsewhere.begin(), elsewhere.end(), m.key) != elsewhere.end())
        errors[i].advice = fmt::format("it stands in a queue: submit = {{ {} = ... }}", m.key);
}

void read_source(std::string_view kind, const Member& m, Assembly& a) {
  Section s{std::string(kind), m.key, {}, m.origin, house_options(kind), {}, {}, {}, {}};
  const std::size_t errors_before = a.errors.size();
  s.house = read_options(s.house_specs, Scope::source, m.value, m.origin, a.errors);
  s.plugin = s.house.text_or("plugin", "");
  const auto plugin = find_plugin(a.registry, kind, s.plugin);
  if (plugin) {
    s.own_specs = plugin->options;
    s.own = read_options(s.own_specs, Scope::source, m.value, m.origin, a.errors);
    std::vector<std::string_view> known;
    add_names(s.house_specs, Scope::source, known);
    add_names(s.own_specs, Scope::source, known);
    const std::size_t first = a.errors.size();
    unknown_keys(m.value, known, fmt::format("[{}.{}]", kind, m.key), a.errors);
    explain_scope(*plugin, m.value, a.errors, first);
    if (a.errors.size() == errors_before) try_plugin(*plugin, s.own, m.origin, a);
  } else if (!s.plugin.empty()) {
    a.error("config.unknown_plugin", fmt::format("no {} plug-in '{}'", kind, s.plugin), m.value.find("plugin")->origin,
            suggest(s.plugin, plugin_names(a.registry, kind)));
  }
  a.sections.push_back(std::move(s));
}

void check_listen(const Options& house, Assembly& a) {
  const std::string& listen = house.text("listen");
  if (listen.empty()) return;
  const auto colon = listen.rfind(':');
  unsigned port = 0;
  bool good = colon != std::string::npos && colon > 0;
  if (good) {
    const char* end = listen.data() + listen.size();
    const auto [at, ec] = std::from_chars(listen.data() + colon + 1, end, port);
    good = ec == std::errc{} && at == end && port <= 65535;
  }
  if (!good)
    a.error("config.bad_value", fmt::format("'listen' must be ADDRESS:PORT, not '{}'", listen),
            house.entries().at("listen").origin, "for example \"127.0.0.1:25880\"");
}

void check_factory(const Options& house, Assembly& a) {
  if (house.has("factory_id") && !plain_name(house.text("factory_id")))
    a.error("config.bad_name", fmt::format("'{}' can't be a factory_id", house.text("factory_id")),
            house.entries().at("factory_id").origin, "letters, digits, '.', '_' and '-', at most 64");
  if (house.has("listen")) check_listen(house, a);
  for (const char* key : {"state_dir", "log_dir"})
    if (house.has(key) && house.text(key).empty())
      a.error("config.bad_value", fmt::format("'{}' must not be empty", key), house.entries().find(key)->second.origin);
  for (const char* key : {"log_url", "report_url"}) {
    if (!house.has(key)) continue;
    const std::string& url = house.text(key);
    if (!url.starts_with("http://") && !url.starts_with("https://"))
      a.error("config.bad_value", fmt::format("'{}' must be an http or https address, not '{}'", key, url),
              house.entries().find(key)->second.origin);
  }
}

}  // namespace

std::optional<AnyPlugin> find_plugin(const Registry& r, std::string_view kind, std::string_view name) {
  if (kind == "wms") return any(r.wms, name);
  if (kind == "batch") return any(r.batch, name);
  if (kind == "sched") return any(r.sched, name);
  if (kind == "monitor") return any(r.monitor, name);
  if (kind == "config") return any(r.config, name);
  return std::nullopt;
}

std::vector<std::string_view> plugin_names(const Registry& r, std::string_view kind) {
  if (kind == "wms") return names_of(r.wms);
  if (kind == "batch") return names_of(r.batch);
  if (kind == "sched") return names_of(r.sched);
  if (kind == "monitor") return names_of(r.monitor);
  if (kind == "config") return names_of(r.config);
  return {};
}

void try_plugin(const AnyPlugin& plugin, const Options& options, const Origin& where, Assembly& a) {
  auto made = plugin.try_make(options);
  if (made) return;
  if (made.error().where.empty()) made.error().where = where.text();
  a.errors.push_back(std::move(made.error()));
}

void read_factory(const Value& root, const std::string& file, Assembly& a) {
  const Value* given = root.find("factory");
  Value none;
  none.data = Value::Members{};
  if (given == nullptr) a.error("config.missing_section", "section [factory] is missing", {file, 1});
  const Value& table = given != nullptr ? *given : none;
  if (table.table() == nullptr) {
    a.error("config.wrong_type", fmt::format("'factory' must be a section, not {}", table.kind()), table.origin,
            "write [factory]");
    return;
  }
  Section s{"factory", "", "", table.origin, house_options("factory"), {}, {}, {}, {}};
  Errors ignored;  // of a missing section only the absence is worth a word
  s.house = read_options(s.house_specs, Scope::source, table, table.origin, given != nullptr ? a.errors : ignored);
  std::vector<std::string_view> known;
  add_names(s.house_specs, Scope::source, known);
  unknown_keys(table, known, "[factory]", a.errors);
  check_factory(s.house, a);
  a.sections.push_back(std::move(s));
}

void read_sources(const Value& root, std::string_view kind, Assembly& a) {
  const Value* all = root.find(kind);
  if (all == nullptr) return;
  if (all->table() == nullptr) {
    a.error("config.wrong_type", fmt::format("'{}' must hold sections, not {}", kind, all->kind()), all->origin,
            fmt::format("write [{}.NAME]", kind));
    return;
  }
  for (const Member& m : *all->table()) {
    if (m.value.table() == nullptr) {
      a.error("config.wrong_type", fmt::format("'{}' stands in [{}], which holds only named sections", m.key, kind),
              m.origin, fmt::format("write [{}.NAME]", kind));
      continue;
    }
    if (good_source_name(kind, m, a)) read_source(kind, m, a);
  }
}

}  // namespace apf::config
