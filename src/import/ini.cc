#include "import/ini.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

namespace apf::import {
namespace {

constexpr int kDeepest = 10;                             // levels of %(key)s, as there
constexpr std::size_t kLongest = std::size_t{1} << 20U;  // of a value with its parts put in

bool blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool comment(std::string_view line) {
  if (trimmed(line).empty() || line.front() == '#' || line.front() == ';') return true;
  if (line.front() != 'r' && line.front() != 'R') return false;
  const auto word = line.substr(0, std::min(line.find_first_of(" \t\r"), line.size()));
  return word.size() == 3 && std::tolower(word[1]) == 'e' && std::tolower(word[2]) == 'm';
}

bool is_utf8(std::string_view text) {
  try {
    std::ignore = nlohmann::json(text).dump();  // refuses what is not
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

class Parser {
 public:
  Parser(const std::string& file, Ini& ini, config::Errors& errors) : file_(file), ini_(ini), errors_(errors) {}

  void line(std::string_view text) {
    ++number_;
    if (comment(text)) return;
    if (!is_utf8(text)) return wrong("this is not UTF-8 (iconv -f latin1 -t utf8 makes it so)");
    if (blank(text.front()) && last_ != nullptr) {
      last_->text += fmt::format("\n{}", trimmed(text));
    } else if (text.front() == '[') {
      header(text);
    } else {
      option(text);
    }
  }

 private:
  void wrong(std::string what) {
    last_ = nullptr;
    errors_.push_back({Kind::config, "import.syntax", std::move(what), fmt::format("{}:{}", file_, number_), {}});
  }

  void header(std::string_view text) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || end == 1) return wrong("a section is written [NAME]");
    const std::string name(text.substr(1, end - 1));
    last_ = nullptr;
    inside_ = true;
    current_ = std::nullopt;
    if (name == "DEFAULT") return;
    const auto at =
        std::find_if(ini_.sections.begin(), ini_.sections.end(), [&](const auto& s) { return s.name == name; });
    current_ = static_cast<std::size_t>(at - ini_.sections.begin());
    if (at == ini_.sections.end()) ini_.sections.push_back({name, {file_, number_}, {}});
  }

  void option(std::string_view text) {
    if (!inside_) return wrong("there is no [section] before this line");
    const auto at = text.find_first_of(":=");
    const auto key = trimmed(text.substr(0, std::min(at, text.size())));
    if (at == std::string_view::npos || key.empty()) return wrong("neither a section nor 'key = value'");
    auto value = text.substr(at + 1);
    for (std::size_t i = 1; i < value.size(); ++i)
      if (value[i] == ';' && blank(value[i - 1])) {
        value = value.substr(0, i);
        break;
      }
    value = trimmed(value);
    if (value == "\"\"") value = {};
    IniSection& section = current_ ? ini_.sections[*current_] : ini_.defaults;
    last_ = &section.values[std::string(key)];
    *last_ = {std::string(value), {file_, number_}};
  }

  const std::string& file_;
  Ini& ini_;
  config::Errors& errors_;
  int number_ = 0;
  bool inside_ = false;
  std::optional<std::size_t> current_;  // none: DEFAULT
  IniValue* last_ = nullptr;            // what a continuation belongs to; valid until the next section
};

class Resolver {
 public:
  Resolver(const IniSection& section, std::vector<std::string>* used) : section_(section), used_(used) {}

  Result<std::string> value(const std::string& key, const IniValue& raw, int depth) {
    if (used_ != nullptr) used_->push_back(key);
    if (depth > kDeepest) return wrong(raw, "more than 10 levels of %(key)s: does it name itself?");
    std::string out;
    std::string_view rest = raw.text;
    while (!rest.empty()) {
      const auto percent = std::min(rest.find('%'), rest.size());
      out += rest.substr(0, percent);
      rest.remove_prefix(percent);
      if (rest.empty()) break;
      auto part = insertion(rest, raw, depth);
      if (!part) return part;
      out += *part;
      if (out.size() > kLongest) return wrong(raw, "the value grows beyond 1 MiB");
    }
    return out;
  }

 private:
  static tl::unexpected<Error> wrong(const IniValue& raw, std::string what) {
    return fail(Kind::config, "import.interpolation", std::move(what), raw.origin.text());
  }

  // What stands at a '%'; takes it from `rest`.
  Result<std::string> insertion(std::string_view& rest, const IniValue& raw, int depth) {
    if (rest.starts_with("%%")) {
      rest.remove_prefix(2);
      return "%";
    }
    const auto end = rest.find(")s");
    if (!rest.starts_with("%(") || end == std::string_view::npos)
      return wrong(raw, "a '%' is followed by '%' or '(key)s'");
    const std::string key(rest.substr(2, end - 2));
    rest.remove_prefix(end + 2);
    const auto it = section_.values.find(key);
    if (it == section_.values.end()) return wrong(raw, fmt::format("%({})s: [{}] has no such key", key, section_.name));
    return value(key, it->second, depth + 1);
  }

  const IniSection& section_;
  std::vector<std::string>* used_;
};

}  // namespace

const IniSection* Ini::find(std::string_view name) const {
  const auto at = std::find_if(sections.begin(), sections.end(), [&](const auto& s) { return s.name == name; });
  return at == sections.end() ? nullptr : &*at;
}

void Ini::spread_defaults() {
  for (auto& section : sections)
    for (const auto& [key, value] : defaults.values) section.values.try_emplace(key, value);
}

void Ini::merge(Ini later) {
  std::map<std::string, std::size_t, std::less<>> known;
  for (std::size_t i = 0; i < sections.size(); ++i) known.emplace(sections[i].name, i);
  for (auto& section : later.sections) {
    const auto it = known.find(section.name);
    if (it == known.end()) {
      known.emplace(section.name, sections.size());
      sections.push_back(std::move(section));
      continue;
    }
    for (auto& [key, value] : section.values) sections[it->second].values.insert_or_assign(key, std::move(value));
  }
}

void read_ini(std::string_view text, const std::string& file, Ini& ini, config::Errors& errors) {
  Parser parser(file, ini, errors);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    parser.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

Result<std::optional<std::string>> resolve(const IniSection& section, std::string_view key,
                                           std::vector<std::string>* used) {
  const auto it = section.values.find(key);
  if (it == section.values.end()) return std::nullopt;
  auto out = Resolver(section, used).value(it->first, it->second, 1);
  if (!out) return fail(out.error());
  return std::optional(std::move(*out));
}

}  // namespace apf::import
