// `apf plugins`: documentation out of the option tables, for people, programs and docs/configuration.md.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "config/schema.h"
#include "config/suggest.h"
#include "factory/commands.h"

namespace apf::factory {
namespace {

// A plug-in without its interface: what all kinds have.
struct Described {
  std::string_view name, summary;
  std::span<const OptionSpec> options;
};
struct KindOf {
  std::string_view kind, summary;
  std::vector<Described> plugins;
};

template <class Interface>
KindOf kind_of(std::string_view kind, std::string_view summary, const std::vector<Plugin<Interface>>& plugins) {
  KindOf k{kind, summary, {}};
  for (const auto& p : plugins) k.plugins.push_back({p.name, p.summary, p.options});
  std::sort(k.plugins.begin(), k.plugins.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return k;
}

std::vector<KindOf> kinds(const Registry& r) {
  return {kind_of("wms", "where work waits", r.wms), kind_of("batch", "where pilots run", r.batch),
          kind_of("sched", "a step of a queue's chain", r.sched), kind_of("monitor", "is told what happens", r.monitor),
          kind_of("config", "brings further queues", r.config)};
}

const char* type_name(OptionType type) {
  switch (type) {
    case OptionType::boolean: return "boolean";
    case OptionType::integer: return "integer";
    case OptionType::real: return "number";
    case OptionType::text: return "text";
    case OptionType::duration: return "duration";
    case OptionType::size: return "size";
    case OptionType::path: return "path";
    case OptionType::list: return "list";
    case OptionType::paths: return "list of paths";
    case OptionType::table: return "table";
  }
  return "?";
}

std::string bound_text(const OptionSpec& o, double bound) {
  if (o.type == OptionType::duration) return show_duration(Duration{static_cast<std::int64_t>(bound * 1e9)});
  if (o.type == OptionType::size) return show_size(static_cast<std::int64_t>(bound));
  return fmt::format("{}", bound);
}

// "pilots; at least 0; one of a, b; secret": what the type alone does not say.
std::string constraints(const OptionSpec& o) {
  std::vector<std::string> parts;
  if (!o.unit.empty()) parts.emplace_back(o.unit);
  if (std::isfinite(o.minimum)) parts.push_back("at least " + bound_text(o, o.minimum));
  if (std::isfinite(o.maximum)) parts.push_back("at most " + bound_text(o, o.maximum));
  if (!o.choices.empty()) {
    std::string choices(o.choices);
    for (std::size_t at = 0; (at = choices.find('|', at)) != std::string::npos; at += 2) choices.replace(at, 1, ", ");
    parts.push_back("one of " + choices);
  }
  if (o.secret) parts.emplace_back("secret");
  std::string out;
  for (const auto& p : parts) out += (out.empty() ? "" : "; ") + p;
  return out;
}

std::string default_text(const OptionSpec& o) {
  if (o.required) return "required";
  return o.fallback.empty() ? "unset" : std::string(o.fallback);
}

// ---- for people ----

void list_kind(const KindOf& k, std::ostream& out) {
  fmt::print(out, "{} ({})\n", k.kind, k.summary);
  for (const auto& p : k.plugins) fmt::print(out, "  {:<18} {}\n", p.name, p.summary);
}

void show_plugin(const KindOf& k, const Described& p, std::ostream& out) {
  fmt::print(out, "{} {}: {}\n", k.kind, p.name, p.summary);
  for (const auto& o : p.options) {
    fmt::print(out, "\n  {} ({}, {})\n      {}\n", o.name, type_name(o.type), default_text(o), o.doc);
    if (const auto c = constraints(o); !c.empty()) fmt::print(out, "      {}\n", c);
    if (o.scope == Scope::queue) fmt::print(out, "      stands in a queue: submit = {{ {} = ... }}\n", o.name);
  }
}

// ---- JSON ----

nlohmann::ordered_json json_of(const KindOf& k, const Described& p) {
  auto options = nlohmann::ordered_json::array();
  for (const auto& o : p.options) {
    nlohmann::ordered_json j{
        {"name", o.name},
        {"type", type_name(o.type)},
        {"scope", o.scope == Scope::queue ? "queue" : "source"},
        {"default", o.fallback.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(o.fallback)},
        {"required", o.required},
        {"secret", o.secret},
        {"unit", o.unit},
        {"doc", o.doc}};
    if (std::isfinite(o.minimum)) j["minimum"] = o.minimum;
    if (std::isfinite(o.maximum)) j["maximum"] = o.maximum;
    if (!o.choices.empty()) j["choices"] = o.choices;
    options.push_back(std::move(j));
  }
  return {{"kind", k.kind}, {"name", p.name}, {"summary", p.summary}, {"options", std::move(options)}};
}

// ---- Markdown ----

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

void markdown_table(std::span<const OptionSpec> options, Scope scope, std::ostream& out) {
  out << "| option | type | default | meaning |\n|---|---|---|---|\n";
  for (const auto& o : options) {
    if (o.scope != scope) continue;
    const auto c = constraints(o);
    fmt::print(out, "| `{}` | {} | {} | {}{} |\n", o.name, type_name(o.type),
               o.fallback.empty() || o.required ? default_text(o) : "`" + default_text(o) + "`", cell(o.doc),
               c.empty() ? "" : " (" + cell(c) + ")");
  }
  out << '\n';
}

bool has_scope(std::span<const OptionSpec> options, Scope scope) {
  return std::any_of(options.begin(), options.end(), [&](const auto& o) { return o.scope == scope; });
}

void markdown_kind(const KindOf& k, std::ostream& out) {
  fmt::print(out, "## {} plug-ins: {}\n\n", k.kind, k.summary);
  for (const auto& p : k.plugins) {
    fmt::print(out, "### {} `{}`\n\n{}.\n\n", k.kind, p.name, p.summary);
    if (p.options.empty()) out << "No options.\n\n";
    if (has_scope(p.options, Scope::source)) markdown_table(p.options, Scope::source, out);
    if (has_scope(p.options, Scope::queue)) {
      out << "In a queue, under `submit`:\n\n";
      markdown_table(p.options, Scope::queue, out);
    }
  }
}

constexpr std::string_view kIntroduction = R"(# Configuration reference

<!-- Generated by tools/gen-docs from the option tables of the programs (apf plugins --markdown). Do not edit. -->

One TOML file, and beside it an optional folder `queues.d` whose `*.toml` files hold further `[queue.NAME]` sections.
`apf check FILE` finds every error at once; `apf check FILE --show` prints what is in force and where it comes from.

- `version = 1` at the top of the file names its format; a newer one than the program knows is refused.
- Later wins: built-in default, `[defaults]`, queues from `[config.NAME]` in the order of the file, `[queue.NAME]`.
  Lists replace, tables merge.
- Durations and sizes carry their unit: `"30s"`, `"5 min"`, `"2h"`, `"1 h 30 min"`; `"512 MB"`, `"1 GiB"`.
- Relative paths start from the folder of the file that names them.
- Secrets are shown as `***` wherever they are shown.
- Names of sources consist of letters, digits, `.`, `_` and `-`. Names of queues may hold any printable character; `/`
  and `:` become `_` in the log tree, and two queues that would share a folder are an error.

)";

constexpr std::string_view kQueueNotes = R"(A queue also has:

- `sched`: its chain, a list of steps. `{ use = "maxpending", maximum = 100 }` names a sched plug-in and gives its
  options; docs/sched.md has the formulas.
- `submit`: a table of options of the batch plug-in, see there. What `[defaults]` says for another batch plug-in is left
  out.

)";

void markdown(const Registry& registry, std::ostream& out) {
  out << kIntroduction;
  for (const auto& s : config::schemas()) {
    fmt::print(out, "## {}\n\n{}\n\n", s.heading, s.summary);
    markdown_table(s.options, Scope::source, out);
    if (s.kind == "queue") out << kQueueNotes;
  }
  for (const auto& k : kinds(registry)) markdown_kind(k, out);
}

int unknown(std::string_view what, std::string_view word, const std::vector<std::string_view>& known,
            std::ostream& err) {
  const Error error{
      Kind::config, "plugins.unknown", fmt::format("no {} '{}'", what, word), {}, config::suggest(word, known)};
  err << "apf plugins: " << error.text() << '\n';
  return kBadInput;
}

}  // namespace

int plugins(const PluginsArgs& args, const Registry& registry, std::ostream& out, std::ostream& err) {
  if (args.markdown) {
    markdown(registry, out);
    return kGood;
  }
  std::vector<std::string_view> known_kinds, known_names;
  auto json = nlohmann::ordered_json::array();
  bool named = false;
  for (const auto& k : kinds(registry)) {
    known_kinds.push_back(k.kind);
    if (!args.kind.empty() && k.kind != args.kind) continue;
    if (!args.json && args.name.empty()) list_kind(k, out);
    for (const auto& p : k.plugins) {
      known_names.push_back(p.name);
      if (!args.name.empty() && p.name != args.name) continue;
      named = true;
      if (args.json) json.push_back(json_of(k, p));
      if (!args.json && !args.name.empty()) show_plugin(k, p, out);
    }
  }
  if (!args.kind.empty() && std::find(known_kinds.begin(), known_kinds.end(), args.kind) == known_kinds.end())
    return unknown("kind of plug-in", args.kind, known_kinds, err);
  if (!args.name.empty() && !named) return unknown(args.kind + " plug-in", args.name, known_names, err);
  if (args.json) out << json.dump(2) << '\n';
  return kGood;
}

}  // namespace apf::factory
