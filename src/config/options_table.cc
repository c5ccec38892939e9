#include "config/options_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>

#include "config/suggest.h"

namespace apf::config {
namespace {

std::string_view article(OptionType type) {
  switch (type) {
    case OptionType::boolean: return "true or false";
    case OptionType::integer: return "an integer";
    case OptionType::real: return "a number";
    case OptionType::text: return "a text";
    case OptionType::duration: return "a duration such as \"30s\", \"5 min\", \"2h\", \"1d\"";
    case OptionType::size: return "a size such as \"512 MB\", \"2 GB\", \"1 GiB\"";
    case OptionType::path: return "a path";
    case OptionType::list: return "a list of texts";
    case OptionType::paths: return "a list of paths";
    case OptionType::table: return "a table of texts";
  }
  return "a value";
}

tl::unexpected<Error> wrong_type(const OptionSpec& spec, const Value& value) {
  return fail(Kind::config, "config.wrong_type",
              fmt::format("'{}' must be {}, not {}", spec.name, article(spec.type), value.kind()), value.origin.text());
}

tl::unexpected<Error> out_of_range(const OptionSpec& spec, const Value& value, const std::string& given) {
  const auto bound = [&](double b) {
    if (spec.type == OptionType::duration) return show_duration(Duration{static_cast<std::int64_t>(b * 1e9)});
    if (spec.type == OptionType::size) return show_size(static_cast<std::int64_t>(b));
    return fmt::format("{}", b);
  };
  std::string range;
  if (std::isfinite(spec.minimum)) range = fmt::format("at least {}", bound(spec.minimum));
  if (std::isfinite(spec.maximum))
    range += fmt::format("{}at most {}", range.empty() ? "" : " and ", bound(spec.maximum));
  return fail(Kind::config, "config.out_of_range", fmt::format("'{}' must be {}, not {}", spec.name, range, given),
              value.origin.text());
}

// No command line, environment or file name can hold one.
bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }
tl::unexpected<Error> nul(const OptionSpec& spec, const Value& value) {
  return fail(Kind::config, "config.bad_value", fmt::format("'{}' holds a NUL character", spec.name),
              value.origin.text());
}

bool within(const OptionSpec& spec, double v) { return v >= spec.minimum && v <= spec.maximum; }

std::string resolved(const std::string& path, const Value& value) {
  if (path.empty() || path.front() == '/' || value.folder.empty()) return path;
  return (std::filesystem::path(value.folder) / path).lexically_normal().string();
}

Result<OptionValue> read_boolean(const OptionSpec& spec, const Value& value) {
  if (const auto* v = std::get_if<bool>(&value.data)) return *v;
  return wrong_type(spec, value);
}

Result<OptionValue> read_integer(const OptionSpec& spec, const Value& value) {
  const auto* v = std::get_if<std::int64_t>(&value.data);
  if (v == nullptr) return wrong_type(spec, value);
  if (!within(spec, static_cast<double>(*v))) return out_of_range(spec, value, fmt::format("{}", *v));
  return *v;
}

Result<OptionValue> read_real(const OptionSpec& spec, const Value& value) {
  double v = 0;
  if (const auto* real = std::get_if<double>(&value.data)) {
    v = *real;
  } else if (const auto* whole = std::get_if<std::int64_t>(&value.data)) {
    v = static_cast<double>(*whole);
  } else {
    return wrong_type(spec, value);
  }
  if (!std::isfinite(v))
    return fail(Kind::config, "config.out_of_range", fmt::format("'{}' must be a finite number", spec.name),
                value.origin.text());
  if (!within(spec, v)) return out_of_range(spec, value, fmt::format("{}", v));
  return v;
}

Result<OptionValue> read_duration(const OptionSpec& spec, const Value& value) {
  const auto* text = std::get_if<std::string>(&value.data);
  const auto* zero = std::get_if<std::int64_t>(&value.data);
  if (text == nullptr && (zero == nullptr || *zero != 0)) return wrong_type(spec, value);
  auto v = parse_duration(text != nullptr ? *text : "0");
  if (!v) {
    v.error().what = fmt::format("'{}': {}", spec.name, v.error().what);
    v.error().where = value.origin.text();
    return fail(v.error());
  }
  if (!within(spec, std::chrono::duration<double>(*v).count())) return out_of_range(spec, value, show_duration(*v));
  return *v;
}

Result<OptionValue> read_size(const OptionSpec& spec, const Value& value) {
  Result<std::int64_t> v = std::int64_t{0};
  if (const auto* whole = std::get_if<std::int64_t>(&value.data)) {
    v = *whole;
  } else if (const auto* text = std::get_if<std::string>(&value.data)) {
    v = parse_size(*text);
  } else {
    return wrong_type(spec, value);
  }
  if (!v) {
    v.error().what = fmt::format("'{}': {}", spec.name, v.error().what);
    v.error().where = value.origin.text();
    return fail(v.error());
  }
  if (*v < 0 || !within(spec, static_cast<double>(*v))) {
    OptionSpec bounded = spec;
    bounded.minimum = std::max(0.0, spec.minimum);
    return out_of_range(bounded, value, show_size(*v));
  }
  return *v;
}

Result<OptionValue> read_text(const OptionSpec& spec, const Value& value) {
  const auto* v = std::get_if<std::string>(&value.data);
  if (v == nullptr) return wrong_type(spec, value);
  if (has_nul(*v)) return nul(spec, value);
  if (spec.type == OptionType::path) return resolved(*v, value);
  if (spec.choices.empty()) return *v;
  std::vector<std::string_view> choices;
  for (std::string_view rest = spec.choices; !rest.empty();) {
    const auto bar = rest.find('|');
    choices.push_back(rest.substr(0, bar));
    if (choices.back() == *v) return *v;
    rest = bar == std::string_view::npos ? "" : rest.substr(bar + 1);
  }
  return fail(Kind::config, "config.bad_value",
              fmt::format("'{}' must be one of {}, not '{}'", spec.name, fmt::join(choices, ", "), *v),
              value.origin.text());
}

Result<OptionValue> read_list(const OptionSpec& spec, const Value& value) {
  if (value.list() == nullptr) return wrong_type(spec, value);
  std::vector<std::string> out;
  for (const Value& item : *value.list()) {
    const auto* text = std::get_if<std::string>(&item.data);
    if (text == nullptr)
      return fail(
          Kind::config, "config.wrong_type",
          fmt::format("'{}' must be {}, but one of its values is {}", spec.name, article(spec.type), item.kind()),
          item.origin.text());
    if (has_nul(*text)) return nul(spec, item);
    out.push_back(spec.type == OptionType::paths ? resolved(*text, item) : *text);
  }
  return out;
}

// Numbers and booleans are taken as text: `environment = { THREADS = 4 }` says what it means.
std::optional<std::string> as_text(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value.data)) return *text;
  if (const auto* flag = std::get_if<bool>(&value.data)) return *flag ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&value.data)) return fmt::format("{}", *whole);
  if (const auto* real = std::get_if<double>(&value.data)) return fmt::format("{}", *real);
  return std::nullopt;
}

Result<OptionValue> read_table(const OptionSpec& spec, const Value& value) {
  if (value.table() == nullptr) return wrong_type(spec, value);
  Table out;
  for (const Member& m : *value.table()) {
    const auto text = as_text(m.value);
    if (!text)
      return fail(Kind::config, "config.wrong_type",
                  fmt::format("'{}.{}' must be a text, not {}", spec.name, m.key, m.value.kind()), m.origin.text());
    if (has_nul(m.key) || has_nul(*text)) return nul(spec, m.value);
    out[m.key] = *text;
  }
  return out;
}

// The default as a person would write it, as a Value of the type that read_value() expects.
Value written_default(const OptionSpec& spec) {
  Value v;
  const std::string_view text = spec.fallback;
  std::int64_t whole = 0;
  double real = 0;
  const char* end = text.data() + text.size();
  v.data = std::string(text);
  if (spec.type == OptionType::boolean && (text == "true" || text == "false")) v.data = text == "true";
  if (spec.type == OptionType::integer && std::from_chars(text.data(), end, whole).ptr == end) v.data = whole;
  if (spec.type == OptionType::real && std::from_chars(text.data(), end, real).ptr == end) v.data = real;
  if (spec.type == OptionType::list || spec.type == OptionType::paths) {
    Value::List list;  // written as "a, b"
    for (std::string_view rest = text; !rest.empty();) {
      const auto comma = rest.find(',');
      std::string_view item = rest.substr(0, comma);
      while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
      Value one;
      one.data = std::string(item);
      list.push_back(std::move(one));
      rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    }
    v.data = std::move(list);
  }
  return v;
}

}  // namespace

Result<OptionValue> read_value(const OptionSpec& spec, const Value& value) {
  switch (spec.type) {
    case OptionType::boolean: return read_boolean(spec, value);
    case OptionType::integer: return read_integer(spec, value);
    case OptionType::real: return read_real(spec, value);
    case OptionType::duration: return read_duration(spec, value);
    case OptionType::size: return read_size(spec, value);
    case OptionType::text:
    case OptionType::path: return read_text(spec, value);
    case OptionType::list:
    case OptionType::paths: return read_list(spec, value);
    case OptionType::table: return read_table(spec, value);
  }
  return fail(Kind::bug, "config.bad_table", fmt::format("'{}' has no type", spec.name));
}

Result<OptionValue> read_default(const OptionSpec& spec) { return read_value(spec, written_default(spec)); }

Options read_options(std::span<const OptionSpec> specs, Scope scope, const Value& table, const Origin& where,
                     Errors& errors) {
  Options options;
  for (const OptionSpec& spec : specs) {
    if (spec.scope != scope) continue;
    const Value* given = table.find(spec.name);
    if (given == nullptr && spec.required) {
      errors.push_back({Kind::config, "config.missing_key", fmt::format("'{}' is missing", spec.name), where.text(),
                        std::string(spec.doc)});
      continue;
    }
    if (given == nullptr && spec.fallback.empty()) continue;
    auto value = given != nullptr ? read_value(spec, *given) : read_default(spec);
    if (!value) {
      errors.push_back(std::move(value.error()));
      continue;
    }
    options.set(std::string(spec.name), std::move(*value), given != nullptr ? given->origin : Origin{"built-in", 0},
                spec.secret, given != nullptr);
  }
  return options;
}

void unknown_keys(const Value& table, const std::vector<std::string_view>& known, const std::string& what,
                  Errors& errors) {
  if (table.table() == nullptr) return;
  for (const Member& m : *table.table())
    if (std::find(known.begin(), known.end(), m.key) == known.end())
      errors.push_back({Kind::config, "config.unknown_key", fmt::format("unknown key '{}' in {}", m.key, what),
                        m.origin.text(), suggest(m.key, known)});
}

void add_names(std::span<const OptionSpec> specs, Scope scope, std::vector<std::string_view>& names) {
  for (const OptionSpec& spec : specs)
    if (spec.scope == scope) names.push_back(spec.name);
}

Result<Options> options_from_toml(std::span<const OptionSpec> specs, Scope scope, std::string_view toml) {
  auto table = parse_toml(toml, "options", "");
  if (!table) return fail(table.error());
  Errors errors;
  std::vector<std::string_view> known;
  add_names(specs, scope, known);
  unknown_keys(*table, known, "the options", errors);
  Options options = read_options(specs, scope, *table, table->origin, errors);
  if (!errors.empty()) return fail(errors.front());
  return options;
}

}  // namespace apf::config
