// What is in force, as TOML that loads again.
#include <fmt/format.h>

#include "apf/toml_text.h"
#include "config/load.h"

namespace apf::config {
namespace {

std::string value_text(const OptionSpec& spec, const OptionValue& value, const ShowOptions& options) {
  if (spec.secret && !options.plain) return "\"***\"";
  switch (spec.type) {
    case OptionType::boolean: return std::get<bool>(value) ? "true" : "false";
    case OptionType::integer: return fmt::format("{}", std::get<std::int64_t>(value));
    case OptionType::real: return real_text(std::get<double>(value));
    case OptionType::duration: return toml_string(show_duration(std::get<Duration>(value)));
    case OptionType::size: return toml_string(show_size(std::get<std::int64_t>(value)));
    case OptionType::text:
    case OptionType::path: return toml_string(std::get<std::string>(value));
    case OptionType::list:
    case OptionType::paths: return list_text(std::get<std::vector<std::string>>(value));
    case OptionType::table: return table_text(std::get<Table>(value));
  }
  return "\"\"";
}

struct Line {
  std::string text;
  Origin origin;
};

std::vector<Line> lines_of(std::span<const OptionSpec> specs, const Options& values, std::string_view prefix,
                           const ShowOptions& options) {
  std::vector<Line> lines;
  for (const OptionSpec& spec : specs) {
    const auto it = values.entries().find(spec.name);
    if (it == values.entries().end()) continue;
    lines.push_back(
        {fmt::format("{}{} = {}", prefix, spec.name, value_text(spec, it->second.value, options)), it->second.origin});
  }
  return lines;
}

// Steps keep no table of their own: their values say their type.
std::string step_text(const StepSpec& step, const ShowOptions& options) {
  std::string out = fmt::format("{{ use = {}", toml_string(step.use));
  for (const auto& [name, entry] : step.options.entries()) {
    std::string value = toml_string(apf::show(entry.value, entry.secret && !options.plain));
    if (const auto* flag = std::get_if<bool>(&entry.value)) value = *flag ? "true" : "false";
    if (const auto* whole = std::get_if<std::int64_t>(&entry.value)) value = fmt::format("{}", *whole);
    if (const auto* real = std::get_if<double>(&entry.value)) value = real_text(*real);
    if (const auto* list = std::get_if<std::vector<std::string>>(&entry.value)) value = list_text(*list);
    if (const auto* table = std::get_if<Table>(&entry.value)) value = table_text(*table);
    out += fmt::format(", {} = {}", key_text(name), value);
  }
  return out + " }";
}

std::string chain_text(const std::vector<StepSpec>& sched, const ShowOptions& options) {
  std::string out = "sched = [";
  for (std::size_t i = 0; i < sched.size(); ++i)
    out += fmt::format("{}\n  {}", i == 0 ? "" : ",", step_text(sched[i], options));
  return out + "\n]";
}

void show_section(const Section& s, const ShowOptions& options, std::string& out) {
  const std::string name = s.name.empty() ? "" : "." + key_text(s.name);
  out += fmt::format("{}[{}{}]", out.empty() ? "" : "\n", s.kind, name);
  out += options.origins ? fmt::format("  # {}\n", s.origin.text()) : "\n";
  auto lines = lines_of(s.house_specs, s.house, "", options);
  const auto own = lines_of(s.own_specs, s.own, s.kind == "queue" ? "submit." : "", options);
  lines.insert(lines.end(), own.begin(), own.end());
  if (s.kind == "queue") lines.push_back({chain_text(s.sched, options), {}});
  for (const Line& line : lines) {
    const bool told = options.origins && !line.origin.file.empty();
    out += told ? fmt::format("{:<56}  # {}\n", line.text, line.origin.text()) : line.text + "\n";
  }
}

}  // namespace

std::string show(std::span<const Section> sections, const ShowOptions& options) {
  std::string out;
  for (const Section& s : sections) show_section(s, options, out);
  return out;
}

}  // namespace apf::config
