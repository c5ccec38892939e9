#include <fmt/format.h>

#include <algorithm>

#include "apf/toml_text.h"
#include "import/draft.h"
#include "import/words.h"

namespace apf::import {
namespace {

// "sched.activated.testmode.pilots" is testmode_pilots here; the limit of the whole factory stood in [Factory].
std::optional<std::string> option_text(const OptionSpec& spec, const std::string& step, const Keys& keys,
                                       const Keys& factory) {
  std::string name(spec.name);
  if (name.starts_with("testmode_")) name.replace(0, 9, "testmode.");
  const bool of_factory = step == "maxperfactory";
  const Keys& from = of_factory ? factory : keys;
  const std::string key = fmt::format("{}{}.{}", of_factory ? "" : "sched.", step, name);
  switch (spec.type) {
    case OptionType::boolean:
      return from.get(key) ? std::optional<std::string>(from.truth(key, false) ? "true" : "false") : std::nullopt;
    case OptionType::integer:
      if (const auto n = from.whole(key)) return fmt::to_string(*n);
      return std::nullopt;
    case OptionType::duration:
      if (const auto n = from.whole(key)) return toml_string(fmt::format("{}s", *n));
      return std::nullopt;
    case OptionType::real: {
      const auto text = from.get(key);
      if (!text) return std::nullopt;
      char* end = nullptr;
      const double value = std::strtod(text->c_str(), &end);
      if (*end == 0 && value == value && value - value == 0) return real_text(value);
      from.wrong(key, fmt::format("'{}' is no number", *text));
      return std::nullopt;
    }
    default: return std::nullopt;  // steps have no others
  }
}

}  // namespace

void import_chain(const Keys& keys, const Keys& factory, const Registry& registry, Draft& draft) {
  std::vector<std::string> steps;
  for (const auto& written : split(keys.get("schedplugin").value_or(""), ',')) {
    const std::string name = lower(written);
    const auto* plugin = find(registry.sched, name);
    if (plugin == nullptr) {
      draft.only_shadow(fmt::format("{}: the sched step {} has no counterpart", keys.where("schedplugin"), written));
      continue;
    }
    std::string step = fmt::format("{{ use = {}", toml_string(name));
    for (const OptionSpec& spec : plugin->options)
      if (const auto text = option_text(spec, name, keys, factory))
        step += fmt::format(", {} = {}", key_text(spec.name), *text);
    steps.push_back(step + " }");
  }
  if (steps.empty()) {
    draft.note("it had no sched step, so it submitted nothing");
    steps.emplace_back("{ use = \"null\" }");
  }
  draft.add("sched", fmt::format("[\n  {},\n]", fmt::join(steps, ",\n  ")));
}

}  // namespace apf::import
