#include "apf/toml_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace apf {

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += fmt::format("\\{}", c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// A key that needs no quotes.
std::string key_text(std::string_view key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return bare ? std::string(key) : toml_string(key);
}

std::string real_text(double v) {
  std::string s = fmt::format("{}", v);
  return s.find_first_of(".en") == std::string::npos ? s + ".0" : s;
}

std::string list_text(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + toml_string(item);
  return "[" + out + "]";
}

std::string table_text(const Table& table) {
  std::string out;
  for (const auto& [key, value] : table)
    out += fmt::format("{}{} = {}", out.empty() ? " " : ", ", key_text(key), toml_string(value));
  return "{" + out + (out.empty() ? "}" : " }");
}

}  // namespace apf
