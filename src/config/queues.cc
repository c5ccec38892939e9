// Queues: layers merged, validated, and checked against each other.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "config/assembly.h"
#include "config/schema.h"
#include "config/suggest.h"

namespace apf::config {
namespace {

constexpr std::size_t kLongestName = 200;                  // it becomes a folder's name
constexpr std::string_view kReportKey = "apf-report.key";  // src/protocol/launch.h: in each pilot's working directory

// Control characters break logs, submit files and screens; UTF-8 was checked by the parser.
bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (c < 0x20 || c == 0x7F || (c == 0xC2 && next >= 0x80 && next < 0xA0)) return true;
  }
  return false;
}

bool good_queue_name(const Member& m, Assembly& a) {
  const std::string& name = m.key;
  std::string why;
  if (name.empty()) why = "it is empty";
  if (has_control(name)) why = "it holds a control character";
  if (name.size() > kLongestName) why = fmt::format("it is longer than {} bytes", kLongestName);
  if (name == "." || name == "..") why = "it is a folder's name";
  if (!name.empty() && (name.front() == ' ' || name.back() == ' ')) why = "it begins or ends with a blank";
  if (why.empty()) return true;
  std::string shown = name.substr(0, 40);
  if (has_control(name))
    for (char& c : shown)
      if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
  a.error("config.bad_name", fmt::format("'{}' can't be the name of a queue: {}", shown, why), m.origin);
  return false;
}

void mark_inherited(Value& v) {
  v.inherited = true;
  if (auto* members = std::get_if<Value::Members>(&v.data))
    for (Member& m : *members) mark_inherited(m.value);
}

// ---- sched ----

void read_step(const Value& given, Section& s, Assembly& a) {
  const Value* use = given.find("use");
  const auto* name = use != nullptr ? std::get_if<std::string>(&use->data) : nullptr;
  if (name == nullptr) {
    a.error("config.wrong_type", "a step of 'sched' must be a table with 'use'", given.origin,
            "for example { use = \"ready\" }");
    return;
  }
  const auto plugin = find_plugin(a.registry, "sched", *name);
  if (!plugin) {
    a.error("config.unknown_plugin", fmt::format("no sched plug-in '{}'", *name), use->origin,
            suggest(*name, plugin_names(a.registry, "sched")));
    return;
  }
  const std::size_t before = a.errors.size();
  std::vector<std::string_view> known{"use"};
  add_names(plugin->options, Scope::source, known);
  unknown_keys(given, known, fmt::format("step '{}'", *name), a.errors);
  StepSpec step{*name, read_options(plugin->options, Scope::source, given, given.origin, a.errors)};
  if (a.errors.size() == before) try_plugin(*plugin, step.options, given.origin, a);
  s.sched.push_back(std::move(step));
}

void read_sched(const Value& queue, Section& s, Assembly& a) {
  const Value* sched = queue.find("sched");
  if (sched == nullptr) {
    if (a.sources_asked)
      a.error("config.missing_key", fmt::format("queue '{}': 'sched' is missing", s.name), s.origin,
              "for example sched = [ { use = \"ready\" }, { use = \"maxpending\", maximum = 100 } ]");
    return;
  }
  if (sched->list() == nullptr || sched->list()->empty()) {
    a.error("config.wrong_type", "'sched' must be a list of steps", sched->origin,
            "for example [ { use = \"ready\" } ]; [ { use = \"null\" } ] for no pilots");
    return;
  }
  for (const Value& step : *sched->list()) read_step(step, s, a);
}

// ---- submit ----

bool known_to_some_batch(const Registry& registry, std::string_view key) {
  return std::any_of(registry.batch.begin(), registry.batch.end(), [&](const Plugin<Batch>& p) {
    return std::any_of(p.options.begin(), p.options.end(),
                       [&](const OptionSpec& o) { return o.scope == Scope::queue && o.name == key; });
  });
}

// Without what [defaults] says for queues of other batch plug-ins.
Value own_part(const Value& submit, const std::vector<std::string_view>& known, const Registry& registry) {
  Value out = submit;
  auto& members = std::get<Value::Members>(out.data);
  std::erase_if(members, [&](const Member& m) {
    return m.value.inherited && std::find(known.begin(), known.end(), m.key) == known.end() &&
           known_to_some_batch(registry, m.key);
  });
  return out;
}

void read_submit(const Value& queue, Section& s, Assembly& a) {
  const Section* batch = a.section("batch", s.house.text_or("batch", ""));
  if (batch == nullptr) return;
  const auto plugin = find_plugin(a.registry, "batch", batch->plugin);
  if (!plugin) return;  // told at the source
  Value none;
  none.data = Value::Members{};
  none.origin = s.origin;
  const Value* given = queue.find("submit");
  if (given != nullptr && given->table() == nullptr) {
    a.error("config.wrong_type", fmt::format("'submit' must be a table, not {}", given->kind()), given->origin);
    return;
  }
  std::vector<std::string_view> known;
  add_names(plugin->options, Scope::queue, known);
  const Value submit = own_part(given != nullptr ? *given : none, known, a.registry);
  unknown_keys(submit, known, fmt::format("'submit' of batch plug-in {}", batch->plugin), a.errors);
  s.own_specs = plugin->options;
  Errors errors;
  s.own = read_options(plugin->options, Scope::queue, submit, submit.origin, errors);
  for (Error& e : errors) {
    if (e.code == "config.missing_key") e.what = fmt::format("queue '{}', submit: {}", s.name, e.what);
    a.errors.push_back(std::move(e));
  }
}

// ---- the queue itself ----

void check_reference(std::string_view kind, const Section& s, Assembly& a) {
  const std::string name = s.house.text_or(kind, "");
  const bool none = name.empty() && (kind == "wms" || !s.house.has(kind));
  if (none || a.section(kind, name) != nullptr) return;
  a.error("config.missing_section", fmt::format("no section [{}.{}]", kind, name),
          s.house.entries().find(kind)->second.origin, suggest(name, a.names(kind)));
}

bool variable_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void check_environment(const Section& s, Assembly& a) {
  if (!s.house.has("environment")) return;
  const Origin& where = s.house.entries().at("environment").origin;
  for (const auto& [key, value] : s.house.table("environment"))
    if (!variable_name(key))
      a.error("config.bad_name", fmt::format("'{}' can't be the name of a variable", key), where,
              "letters, digits and '_', no digit first");
}

// Copies are called by their base names.
void check_input_files(const Section& s, Assembly& a) {
  if (!s.house.has("input_files")) return;
  const Origin& where = s.house.entries().at("input_files").origin;
  std::set<std::string, std::less<>> seen;
  for (const auto& path : s.house.list("input_files")) {
    if (!path.starts_with('/'))  // what a file names has become absolute
      a.error("config.bad_value", fmt::format("input file '{}' is relative to no file", path), where,
              "give an absolute path");
    const std::string base = path.substr(path.rfind('/') + 1);
    if (base.empty() || base == "." || base == "..")
      a.error("config.bad_value", fmt::format("'{}' names no file", path), where);
    else if (base == kReportKey || !seen.insert(base).second)
      a.error("config.bad_value", fmt::format("two input files would be called '{}' where the pilot runs", base),
              where);
  }
}

// Without the keys of [defaults], which are looked at once.
Value local_part(const Value& queue) {
  Value out = queue;
  std::erase_if(std::get<Value::Members>(out.data), [](const Member& m) { return m.value.inherited; });
  return out;
}

void read_queue(const RawQueue& raw, Assembly& a) {
  Section s{"queue", raw.name, "", raw.origin, house_options("queue"), {}, {}, {}, {}};
  std::vector<std::string_view> known{"sched", "submit"};
  add_names(s.house_specs, Scope::source, known);
  unknown_keys(local_part(raw.value), known, fmt::format("queue '{}'", raw.name), a.errors);
  Errors errors;
  s.house = read_options(s.house_specs, Scope::source, raw.value, raw.origin, errors);
  for (Error& e : errors) {
    if (e.code == "config.missing_key" && !a.sources_asked) continue;
    if (e.code == "config.missing_key") e.what = fmt::format("queue '{}': {}", raw.name, e.what);
    a.errors.push_back(std::move(e));
  }
  check_reference("wms", s, a);
  check_reference("batch", s, a);
  check_environment(s, a);
  check_input_files(s, a);
  read_sched(raw.value, s, a);
  read_submit(raw.value, s, a);
  a.sections.push_back(std::move(s));
}

// ---- all queues ----

// The layers of each queue merged, local ones first in the order of the files.
std::vector<RawQueue> merged(const Assembly& a) {
  std::vector<RawQueue> out;
  std::map<std::string, std::vector<const RawQueue*>, std::less<>> layers;
  std::vector<std::string> order;
  for (const RawQueue& q : a.local) order.push_back(q.name);
  for (const auto& source : a.sourced)
    for (const RawQueue& q : source) {
      auto& l = layers[q.name];
      if (l.empty() && std::find(order.begin(), order.end(), q.name) == order.end()) order.push_back(q.name);
      l.push_back(&q);
    }
  for (const RawQueue& q : a.local) layers[q.name].push_back(&q);
  for (const auto& name : order) {
    RawQueue q{name, layers[name].back()->origin, a.defaults};
    for (const RawQueue* layer : layers[name]) q.value = merge(std::move(q.value), layer->value);
    out.push_back(std::move(q));
  }
  return out;
}

void check_folders(Assembly& a) {
  std::map<std::string, const Section*> folders;
  for (const Section& s : a.sections) {
    if (s.kind != "queue") continue;
    const auto [it, fresh] = folders.emplace(log_folder(s.name), &s);
    if (!fresh)
      a.error("config.log_dir_clash",
              fmt::format("queues '{}' and '{}' would share the log folder '{}'", it->second->name, s.name, it->first),
              s.origin, "rename one of them");
  }
}

void check_renames(Assembly& a) {
  std::map<std::string, std::string> heirs;
  for (const Section& s : a.sections) {
    if (s.kind != "queue" || !s.house.has("renamed_from")) continue;
    const std::string& old = s.house.text("renamed_from");
    const Origin& where = s.house.entries().at("renamed_from").origin;
    if (a.section("queue", old) != nullptr)
      a.error("config.bad_value", fmt::format("renamed_from names '{}', which still stands", old), where,
              "remove one of the two");
    const auto [it, fresh] = heirs.emplace(old, s.name);
    if (!fresh)
      a.error("config.bad_value",
              fmt::format("queues '{}' and '{}' are both renamed from '{}'", it->second, s.name, old), where);
  }
}

}  // namespace

void collect_queues(const Value& root, std::vector<RawQueue>& into, Assembly& a) {
  const Value* all = root.find("queue");
  if (all == nullptr) return;
  if (all->table() == nullptr) {
    a.error("config.wrong_type", fmt::format("'queue' must hold sections, not {}", all->kind()), all->origin,
            "write [queue.NAME]");
    return;
  }
  for (const Member& m : *all->table()) {
    const auto same = std::find_if(into.begin(), into.end(), [&](const RawQueue& q) { return q.name == m.key; });
    if (m.value.table() == nullptr) {
      a.error("config.wrong_type", fmt::format("'{}' stands in [queue], which holds only named sections", m.key),
              m.origin, "write [queue.NAME]");
    } else if (same != into.end()) {
      a.error("config.duplicate_queue", fmt::format("queue '{}' stands also in {}", m.key, same->origin.text()),
              m.origin, "keep one of them");
    } else if (good_queue_name(m, a)) {
      into.push_back({m.key, m.origin, m.value});
    }
  }
}

void read_queues(Assembly& a) {
  mark_inherited(a.defaults);
  std::vector<std::string_view> known{"sched", "submit"};
  add_names(house_options("queue"), Scope::source, known);
  unknown_keys(a.defaults, known, "[defaults]", a.errors);
  for (const RawQueue& q : merged(a)) read_queue(q, a);
  check_folders(a);
  check_renames(a);
}

}  // namespace apf::config
