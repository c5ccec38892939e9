#include "protocol/json_value.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace apf::protocol::json_value {
namespace {

constexpr double kExact = 9007199254740992.0;  // doubles are exact up to 2^53

std::string looks_like(std::string_view text) {
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return "an empty reply";
  const std::string_view body = text.substr(start);
  if (body.front() == '<') return "an HTML or XML page";
  std::string head;
  for (const char c : body.substr(0, 60)) head += (c >= 0x20 && c < 0x7f) ? c : '?';
  return "'" + head + "'";
}

tl::unexpected<Error> wrong(std::string_view key, const char* wanted, const Json& got, const std::string& code) {
  return fail(Kind::permanent, code, "'" + std::string(key) + "' must be " + wanted + ", got " + describe(got));
}

Result<std::int64_t> whole(const Json& value, std::string_view key, const std::string& code) {
  if (value.is_number_unsigned()) {
    const auto n = value.get<std::uint64_t>();
    if (n > static_cast<std::uint64_t>(INT64_MAX)) return wrong(key, "a whole number of at most 63 bits", value, code);
    return static_cast<std::int64_t>(n);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number_float()) {
    const auto d = value.get<double>();
    if (std::abs(d) <= kExact && d == std::trunc(d)) return static_cast<std::int64_t>(d);
  }
  if (value.is_string()) {
    const auto& s = value.get_ref<const std::string&>();
    std::int64_t n = 0;
    const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), n);
    if (ec == std::errc{} && end == s.data() + s.size()) return n;
  }
  return wrong(key, "a whole number", value, code);
}

}  // namespace

Result<Json> parse(std::string_view text, const std::string& code) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail(Kind::permanent, code, "expected JSON, got " + looks_like(text));
  return json;
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json time(Wall t) { return t.ms == 0 ? Json() : Json(iso8601(t)); }

const Json& member(const Json& object, std::string_view key) {
  static const Json null;
  const auto it = object.find(key);
  if (it == object.end() || (it->is_string() && it->get_ref<const std::string&>() == "NULL")) return null;
  return *it;
}

Result<std::int64_t> integer(const Json& value, std::string_view key, const std::string& code, std::int64_t least,
                             std::int64_t most) {
  auto n = whole(value, key, code);
  if (n && (*n < least || *n > most))
    return fail(Kind::permanent, code,
                "'" + std::string(key) + "' is " + std::to_string(*n) + ", outside of " + std::to_string(least) +
                    " to " + std::to_string(most));
  return n;
}

Result<double> real(const Json& value, std::string_view key, const std::string& code) {
  if (value.is_number()) {
    const auto d = value.get<double>();
    if (std::isfinite(d)) return d;
  }
  if (value.is_string()) {
    const auto& s = value.get_ref<const std::string&>();
    double d = 0;
    const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), d);
    if (ec == std::errc{} && end == s.data() + s.size() && std::isfinite(d)) return d;
  }
  return wrong(key, "a number", value, code);
}

Result<std::string> text(const Json& value, std::string_view key, const std::string& code, std::size_t longest) {
  std::string s;
  if (value.is_string())
    s = value.get<std::string>();
  else if (value.is_number() || value.is_boolean())
    s = dump(value);
  else
    return wrong(key, "text", value, code);
  if (s.size() > longest)
    return fail(Kind::permanent, code,
                "'" + std::string(key) + "' is longer than " + std::to_string(longest) + " bytes");
  if (s.find('\0') != std::string::npos)
    return fail(Kind::permanent, code, "'" + std::string(key) + "' holds a zero byte");
  return s;
}

const char* describe(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_string()) return "text";
  if (value.is_boolean()) return "a boolean";
  if (value.is_number_float()) return "a number with a fraction";
  if (value.is_number()) return "a number";
  return "nothing";
}

}  // namespace apf::protocol::json_value
