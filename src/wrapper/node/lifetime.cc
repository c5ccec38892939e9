#include "wrapper/node/lifetime.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "protocol/json_value.h"

namespace apf::wrapper::node {
namespace {

constexpr std::size_t kLongestToken = 64 << 10U;

// Base64 and base64url alike; empty when it is neither. Blanks and padding are passed over.
std::optional<std::string> decode(std::string_view text) {
  std::string bytes;
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    int value = -1;
    if (c >= 'A' && c <= 'Z') value = c - 'A';
    if (c >= 'a' && c <= 'z') value = c - 'a' + 26;
    if (c >= '0' && c <= '9') value = c - '0' + 52;
    if (c == '+' || c == '-') value = 62;
    if (c == '/' || c == '_') value = 63;
    if (c == '\n' || c == '\r' || c == ' ' || c == '=') continue;
    if (value < 0) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    bytes += static_cast<char>(bits >> static_cast<unsigned>(have) & 0xffU);
  }
  return bytes;
}

// One element of DER: its tag and what it holds.
struct Element {
  unsigned tag = 0;
  std::string_view holds;
};
constexpr unsigned kSequence = 0x30, kVersion = 0xa0, kUtcTime = 0x17, kGeneralizedTime = 0x18;

// Takes the first element off `der`.
std::optional<Element> take(std::string_view& der) {
  if (der.size() < 2) return std::nullopt;
  Element e{.tag = static_cast<unsigned char>(der[0]), .holds = {}};
  std::size_t length = static_cast<unsigned char>(der[1]);
  std::size_t head = 2;
  if (length >= 0x80) {
    const std::size_t bytes = length & 0x7fU;
    if (bytes == 0 || bytes > 4 || der.size() < 2 + bytes) return std::nullopt;
    length = 0;
    for (std::size_t i = 0; i < bytes; ++i) length = length << 8U | static_cast<unsigned char>(der[2 + i]);
    head += bytes;
  }
  if (der.size() - head < length) return std::nullopt;
  e.holds = der.substr(head, length);
  der.remove_prefix(head + length);
  return e;
}

std::optional<std::string_view> into(std::string_view& der, unsigned tag) {
  const auto e = take(der);
  if (!e || e->tag != tag) return std::nullopt;
  return e->holds;
}

// notAfter of a certificate: Certificate { tbs { [0] version, serial, algorithm, issuer, validity { from, until } } }.
std::optional<Wall> certificate_ends(std::string_view der) {
  auto certificate = into(der, kSequence);
  if (!certificate) return std::nullopt;
  auto tbs = into(*certificate, kSequence);
  if (!tbs) return std::nullopt;
  if (!tbs->empty() && static_cast<unsigned char>(tbs->front()) == kVersion && !take(*tbs)) return std::nullopt;
  for (int i = 0; i < 3; ++i)
    if (!take(*tbs)) return std::nullopt;
  auto validity = into(*tbs, kSequence);
  if (!validity || !take(*validity)) return std::nullopt;
  const auto until = take(*validity);
  if (!until || (until->tag != kUtcTime && until->tag != kGeneralizedTime)) return std::nullopt;
  return read_asn1_time(until->holds, until->tag == kGeneralizedTime);
}

}  // namespace

std::optional<Wall> read_asn1_time(std::string_view digits, bool four_digit_year) {
  const std::size_t year_digits = four_digit_year ? 4 : 2;
  if (digits.size() != year_digits + 11 || digits.back() != 'Z') return std::nullopt;
  digits.remove_suffix(1);
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t n) {
    int value = 0;
    for (const char c : digits.substr(at, n)) value = value * 10 + (c - '0');
    return value;
  };
  int year = number(0, year_digits);
  if (!four_digit_year) year += year >= 50 ? 1900 : 2000;
  std::array<int, 5> rest{};  // month, day, hour, minute, second
  for (std::size_t i = 0; i < rest.size(); ++i) rest.at(i) = number(year_digits + 2 * i, 2);
  const std::chrono::year_month_day day{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(rest[0])},
                                        std::chrono::day{static_cast<unsigned>(rest[1])}};
  if (!day.ok() || rest[2] > 23 || rest[3] > 59 || rest[4] > 60) return std::nullopt;
  const std::int64_t s = std::chrono::sys_days{day}.time_since_epoch().count() * std::int64_t{86400} + rest[2] * 3600 +
                         rest[3] * 60 + rest[4];
  return Wall{s * 1000};
}

std::optional<Wall> token_ends(std::string_view token) {
  if (token.size() > kLongestToken || std::count(token.begin(), token.end(), '.') != 2) return std::nullopt;
  const std::size_t dot = token.find('.') + 1;
  const auto claims = decode(token.substr(dot, token.find('.', dot) - dot));
  if (!claims) return std::nullopt;
  const auto json = protocol::json_value::parse(*claims, "wrapper.token");
  if (!json || !json->is_object() || !json->contains("exp") || !(*json)["exp"].is_number()) return std::nullopt;
  const double ends = (*json)["exp"].get<double>();
  if (ends <= 0 || ends >= 1e11) return std::nullopt;
  return Wall{static_cast<std::int64_t>(ends) * 1000};
}

std::optional<Wall> proxy_ends(std::string_view pem) {
  constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----", end = "-----END CERTIFICATE-----";
  std::optional<Wall> earliest;
  for (;;) {
    const std::size_t from = pem.find(begin);
    if (from == std::string_view::npos) return earliest;
    pem.remove_prefix(from + begin.size());
    const std::size_t to = pem.find(end);
    if (to == std::string_view::npos) return earliest;
    if (const auto der = decode(pem.substr(0, to)))
      if (const auto ends = certificate_ends(*der); ends && (!earliest || *ends < *earliest)) earliest = ends;
    pem.remove_prefix(to + end.size());
  }
}

}  // namespace apf::wrapper::node
