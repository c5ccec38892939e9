#include "record.h"

#include <charconv>

namespace apf::local {
namespace {

constexpr std::string_view kSeal = "end=.";

void escape(std::string& out, std::string_view value) {
  for (const char c : value) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      default: out += c;
    }
  }
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    switch (text[i]) {
      case '\\': out += '\\'; break;
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      default: return std::nullopt;
    }
  }
  return out;
}

}  // namespace

const std::string& Record::text(std::string_view name) const {
  static const std::string none;
  for (const auto& [n, value] : fields_)
    if (n == name) return value;
  return none;
}

std::int64_t Record::number(std::string_view name, std::int64_t otherwise) const {
  const std::string& s = text(name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  return error == std::errc{} && end == s.data() + s.size() ? value : otherwise;
}

std::vector<std::string> Record::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [n, value] : fields_)
    if (n == name) values.push_back(value);
  return values;
}

std::string Record::encode(char separator) const {
  std::string out;
  for (const auto& [name, value] : fields_) {
    out += name;
    out += '=';
    escape(out, value);
    out += separator;
  }
  out += kSeal;
  return out;
}

std::optional<Record> Record::decode(std::string_view text, char separator) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  Record record;
  while (text != kSeal) {
    const auto end = text.find(separator);
    if (end == std::string_view::npos) return std::nullopt;  // no seal
    const auto field = text.substr(0, end);
    const auto equals = field.find('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    auto value = unescape(field.substr(equals + 1));
    if (!value) return std::nullopt;
    record.fields_.emplace_back(field.substr(0, equals), std::move(*value));
    text.remove_prefix(end + 1);
  }
  return record;
}

}  // namespace apf::local
