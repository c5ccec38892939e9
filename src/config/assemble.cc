#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <tuple>

#include "config/assembly.h"
#include "config/sha256.h"
#include "config/suggest.h"

namespace apf::config {
namespace {

constexpr std::int64_t kFormat = 1;  // `version` in the file
constexpr std::array<std::string_view, 4> kSourceKinds{"wms", "batch", "monitor", "config"};

// False when the rest of the file can't be judged.
bool good_version(const Value& root, Assembly& a) {
  const Value* version = root.find("version");
  if (version == nullptr) return true;
  const auto* number = std::get_if<std::int64_t>(&version->data);
  if (number == nullptr || *number < 1) {
    a.error("config.wrong_type", "'version' must be an integer of at least 1", version->origin, "write version = 1");
    return true;
  }
  if (*number <= kFormat) return true;
  a.error("config.newer_version", fmt::format("the file has version {}, this program knows up to {}", *number, kFormat),
          version->origin, "use a newer program");
  return false;
}

void read_main(const Value& root, const std::string& file, Assembly& a) {
  unknown_keys(root, {"version", "factory", "wms", "batch", "monitor", "config", "defaults", "queue"}, "the file",
               a.errors);
  read_factory(root, file, a);
  for (const auto kind : kSourceKinds) read_sources(root, kind, a);
  if (const Value* defaults = root.find("defaults")) {
    if (defaults->table() != nullptr)
      a.defaults = *defaults;
    else
      a.error("config.wrong_type", fmt::format("'defaults' must be a section, not {}", defaults->kind()),
              defaults->origin, "write [defaults]");
  }
  collect_queues(root, a.local, a);
}

// False when the file can't be judged, and with it what depends on it.
bool read_main_text(const Text& text, Assembly& a) {
  const auto root = parse_toml(text.text, text.file, text.folder);
  if (!root) {
    a.errors.push_back(root.error());
    return false;
  }
  if (!good_version(*root, a)) return false;
  read_main(*root, text.file, a);
  return true;
}

// Where an error belongs: the number of its file, its line. Those of other places come last.
std::pair<std::size_t, int> place(const Error& e, std::span<const Text> texts) {
  const auto colon = e.where.rfind(':');
  if (colon == std::string::npos) return {texts.size(), 0};
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (e.where.compare(0, colon, texts[i].file) == 0) return {i, std::atoi(e.where.c_str() + colon + 1)};
  return {texts.size(), 0};
}

// Names come from files, perhaps of others: no line breaks or escape sequences reach a log or a screen.
void make_printable(std::string& text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
}

// In the order of the files; what is wrong in [defaults] shows in every queue, and is told once.
Errors in_order(Errors errors, std::span<const Text> texts) {
  for (Error& e : errors)
    for (std::string* part : {&e.what, &e.where, &e.advice}) make_printable(*part);
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  std::erase_if(errors, [&](const Error& e) { return !seen.emplace(e.code, e.what, e.where).second; });
  std::stable_sort(errors.begin(), errors.end(),
                   [&](const Error& x, const Error& y) { return place(x, texts) < place(y, texts); });
  return errors;
}

// What only the plug-in knows about its queues' options.
void check_submits(const core::Config& config, Assembly& a) {
  for (const auto& source : config.batch) {
    const auto* plugin = find(a.registry.batch, source.plugin);
    if (plugin == nullptr) continue;  // told at the section
    auto batch = plugin->make(source.options);
    for (const auto& queue : config.queues) {
      if (!batch || queue->batch != source.name) continue;
      const Status fits = (*batch)->check_queue(*queue);
      if (!fits)
        a.error(fits.error().code, fmt::format("queue '{}', submit: {}", queue->name, fits.error().what), queue->origin,
                fits.error().advice);
    }
  }
}

}  // namespace

bool read_queue_document(const Text& text, const std::string& what, std::vector<RawQueue>& into, Assembly& a) {
  const auto root = parse_toml(text.text, text.file, text.folder);
  if (!root) {
    a.errors.push_back(root.error());
    return false;
  }
  if (!good_version(*root, a)) return false;
  unknown_keys(*root, {"version", "queue"}, what, a.errors);
  collect_queues(*root, into, a);
  return true;
}

void Assembly::error(std::string code, std::string what, const Origin& where, std::string advice) {
  errors.push_back({Kind::config, std::move(code), std::move(what), where.text(), std::move(advice)});
}

const Section* Assembly::section(std::string_view kind, std::string_view name) const {
  const auto it = std::find_if(sections.begin(), sections.end(),
                               [&](const Section& s) { return s.kind == kind && s.name == name; });
  return it == sections.end() ? nullptr : &*it;
}

std::vector<std::string_view> Assembly::names(std::string_view kind) const {
  std::vector<std::string_view> out;
  for (const Section& s : sections)
    if (s.kind == kind) out.push_back(s.name);
  return out;
}

LoadResult assemble(std::span<const Text> texts, const Registry& registry, const LoadOptions& options) {
  Assembly a{.registry = registry, .options = options};
  a.defaults.data = Value::Members{};
  bool whole = true;
  for (std::size_t i = 0; i < texts.size(); ++i)
    whole = (i == 0 ? read_main_text(texts[i], a)
                    : read_queue_document(texts[i], "a file of queues.d, which holds only [queue.NAME]", a.local, a)) &&
            whole;
  if (whole) {
    ask_config_plugins(a);
    read_queues(a);
  }
  if (!a.errors.empty()) return tl::unexpected<Errors>(in_order(std::move(a.errors), texts));
  if (!a.sources_asked)  // their queues may lack what only their source says
    std::erase_if(a.sections,
                  [](const Section& s) { return s.kind == "queue" && (!s.house.has("batch") || s.sched.empty()); });

  Loaded loaded;
  loaded.sha256 = sha256_hex(show(a.sections, {.origins = false, .plain = true}));
  core::Config config = make_config(a.sections);
  config.version =
      fmt::format("{} ({}, sha256 {})", options.counter, iso8601(options.when), loaded.sha256.substr(0, 12));
  check_submits(config, a);
  if (!a.errors.empty()) return tl::unexpected<Errors>(in_order(std::move(a.errors), texts));
  loaded.config = std::make_shared<const core::Config>(std::move(config));
  loaded.sections = std::move(a.sections);
  loaded.notes = std::move(a.notes);
  for (const Text& t : texts) loaded.files.push_back(t.file);
  return loaded;
}

}  // namespace apf::config
