#include <algorithm>

#include "monitor/news/forms.h"

namespace apf::monitor {
namespace {

constexpr std::size_t kLongestName = 200;

// Length of the character of UTF-8 that begins here, 0 when there is none (RFC 3629: no surrogates, nothing too long).
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80; };
  const unsigned c = byte(0);
  if (c < 0x80) return 1;
  if (c >= 0xC2 && c < 0xE0) return tail(1) ? 2 : 0;
  if (c >= 0xE0 && c < 0xF0) {
    const bool too_long = c == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = c == 0xED && byte(1) >= 0xA0;
    return tail(1) && tail(2) && !too_long && !surrogate ? 3 : 0;
  }
  if (c >= 0xF0 && c < 0xF5) {
    const bool too_long = c == 0xF0 && byte(1) < 0x90;
    const bool too_large = c == 0xF4 && byte(1) >= 0x90;
    return tail(1) && tail(2) && tail(3) && !too_long && !too_large ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string clean(std::string_view text, std::size_t most) {
  std::string out;
  out.reserve(std::min(text.size(), most));
  while (!text.empty()) {
    const std::size_t length = character(text);
    const auto c = static_cast<unsigned char>(text[0]);
    const std::size_t taken = length == 0 ? 1 : length;
    const bool control =
        c < 0x20 || c == 0x7F || (length == 2 && c == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0);
    if (out.size() + (control || length == 0 ? 1 : length) > most) break;
    if (length == 0)
      out += '?';
    else if (control)
      out += ' ';
    else
      out += text.substr(0, length);
    text.remove_prefix(taken);
  }
  return out;
}

bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && clean(name, kLongestName) == name;
}

}  // namespace apf::monitor
