#include "event_xml.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace apf::htcondor {
namespace {

// What stands between `before` and `after`, if the text is that.
std::optional<std::string_view> between(std::string_view text, std::string_view before, std::string_view after) {
  if (text.size() < before.size() + after.size() || !text.starts_with(before) || !text.ends_with(after))
    return std::nullopt;
  return text.substr(before.size(), text.size() - before.size() - after.size());
}

// Takes "&lt;" and the like off the front; '&' itself when it is nothing of the kind.
char take_entity(std::string_view& rest) {
  struct Entity {
    std::string_view text;
    char means;
  };
  constexpr std::array<Entity, 5> kEntities{
      {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  for (const auto& e : kEntities)
    if (rest.starts_with(e.text)) {
      rest.remove_prefix(e.text.size());
      return e.means;
    }
  rest.remove_prefix(1);
  return '&';
}

std::string without_entities(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find('&'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (!text.empty()) out += take_entity(text);
  }
  return out;
}

// Takes what follows a backslash off the front: a letter, a sign, or up to three octal digits.
char take_escape(std::string_view& rest) {
  const auto octal = [](char c) { return c >= '0' && c <= '7'; };
  int code = 0;
  std::size_t digits = 0;
  while (digits < std::min<std::size_t>(3, rest.size()) && octal(rest[digits]) && code < 32)
    code = code * 8 + (rest[digits++] - '0');
  if (digits > 0) {
    rest.remove_prefix(digits);
    return static_cast<char>(code);
  }
  constexpr std::string_view kLetters = "ntrbf", kMeanings = "\n\t\r\b\f";
  const char c = rest.front();
  rest.remove_prefix(1);
  const std::size_t at = kLetters.find(c);
  return at == std::string_view::npos ? c : kMeanings[at];
}

std::string without_escapes(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    out += c == '\\' && !text.empty() ? take_escape(text) : c;
  }
  return out;
}

std::optional<EventValue> value_of(std::string_view element) {
  if (element == R"(<b v="t"/>)") return true;
  if (element == R"(<b v="f"/>)") return false;
  if (const auto text = between(element, "<s>", "</s>")) return without_escapes(without_entities(*text));
  if (const auto number = between(element, "<i>", "</i>")) {
    std::int64_t n = 0;
    const char* const end = number->data() + number->size();
    const auto read = std::from_chars(number->data(), end, n);
    if (read.ec == std::errc{} && read.ptr == end) return n;
  }
  return std::nullopt;
}

}  // namespace

EventAttributes attributes_of_xml(std::string_view object) {
  EventAttributes out;
  while (!object.empty()) {
    const std::string_view line = object.substr(0, object.find('\n'));
    object.remove_prefix(std::min(line.size() + 1, object.size()));
    // attributes of a table within are further to the right
    const auto attribute = between(line, R"(    <a n=")", "</a>");
    if (!attribute) continue;
    const std::size_t quote = attribute->find("\">");
    if (quote == std::string_view::npos) continue;
    if (auto value = value_of(attribute->substr(quote + 2)))
      out[std::string(attribute->substr(0, quote))] = *std::move(value);
  }
  return out;
}

}  // namespace apf::htcondor
