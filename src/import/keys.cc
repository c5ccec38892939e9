#include "import/keys.h"

#include <fmt/format.h>

#include <charconv>

#include "import/words.h"

namespace apf::import {

std::optional<std::string> Keys::get(std::string_view key) const {
  std::vector<std::string> looked_up;
  auto value = resolve(section_, key, &looked_up);
  for (const auto& name : looked_up) {
    const auto& origin = section_.values.find(name)->second.origin;
    used_.emplace(origin.file, origin.line);
  }
  if (!value) {
    errors_.push_back(value.error());
    return std::nullopt;
  }
  return !*value || is_none(**value) ? std::nullopt : std::move(*value);
}

std::optional<std::int64_t> Keys::whole(std::string_view key) const {
  const auto text = get(key);
  if (!text) return std::nullopt;
  std::int64_t n = 0;
  const char* const end = text->data() + text->size();
  const char* const begin = text->data() + (text->starts_with('+') ? 1 : 0);
  if (const auto [at, error] = std::from_chars(begin, end, n); error == std::errc{} && at == end) return n;
  wrong(key, fmt::format("'{}' is no whole number", *text));
  return std::nullopt;
}

bool Keys::truth(std::string_view key, bool absent) const {
  const auto text = get(key);
  if (!text) return absent;
  const std::string word = lower(*text);
  if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
  if (word != "false" && word != "no" && word != "off" && word != "0")
    wrong(key, fmt::format("'{}' is neither True nor False", *text));
  return false;
}

std::vector<std::pair<std::string, std::string>> Keys::under(std::string_view prefix) const {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto it = section_.values.lower_bound(prefix); it != section_.values.end() && it->first.starts_with(prefix);
       ++it)
    if (auto value = get(it->first)) out.emplace_back(it->first.substr(prefix.size()), std::move(*value));
  return out;
}

std::string Keys::where(std::string_view key) const {
  const auto it = section_.values.find(key);
  return (it == section_.values.end() ? section_.origin : it->second.origin).text();
}

void Keys::wrong(std::string_view key, std::string what) const {
  errors_.push_back({Kind::config, "import.bad_value", fmt::format("{}: {}", key, what), where(key), {}});
}

}  // namespace apf::import
