#include "protocol/form.h"

#include <algorithm>

namespace apf::protocol {
namespace {

constexpr std::size_t kMostFields = 256;

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return fail(Kind::permanent, "form.bad_escape", "a '%' is not followed by two hexadecimal digits");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace

std::string escape(std::string_view text) {
  constexpr const char* digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (alnum || c == '-' || c == '.' || c == '_' || c == '*') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return out;
}

std::string write_form(std::span<const FormField> fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    out += escape(name) + '=' + escape(value);
  }
  return out;
}

Result<std::vector<FormField>> read_form(std::string_view body) {
  std::vector<FormField> fields;
  while (!body.empty()) {
    const std::string_view one = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), one.size() + 1));
    if (one.empty()) continue;
    if (fields.size() == kMostFields)
      return fail(Kind::permanent, "form.too_many", "the form has more than 256 fields");
    const std::size_t equals = std::min(one.find('='), one.size());
    auto name = unescape(one.substr(0, equals));
    if (!name) return fail(std::move(name.error()));
    auto value = unescape(equals < one.size() ? one.substr(equals + 1) : std::string_view{});
    if (!value) return fail(std::move(value.error()));
    fields.emplace_back(std::move(*name), std::move(*value));
  }
  return fields;
}

}  // namespace apf::protocol
