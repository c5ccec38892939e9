#include "credential.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "proxy.h"

namespace apf::credential {
namespace {

using Json = nlohmann::json;

tl::unexpected<Error> unfit(const char* code, std::string what, std::string advice = "") {
  return fail(Kind::transient, std::string("credential.") + code, std::move(what), "", std::move(advice));
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// Base64url without padding (RFC 4648, section 5).
bool decode(std::string_view text, std::string& out) {
  unsigned bits = 0, held = 0;
  for (const char c : text) {
    unsigned value = 0;
    if (c >= 'A' && c <= 'Z')
      value = static_cast<unsigned>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      value = static_cast<unsigned>(c - 'a') + 26;
    else if (c >= '0' && c <= '9')
      value = static_cast<unsigned>(c - '0') + 52;
    else if (c == '-' || c == '_')
      value = c == '-' ? 62 : 63;
    else
      return false;
    bits = (bits << 6U | value) & 0xFFFFU;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held & 0xFFU);
  }
  return true;
}

// Seconds since 1970, also with a fraction; 0: absent or no time.
Wall time_of(const Json& claims, const char* name) {
  constexpr double kLast = 253'402'300'799;  // the year 9999
  const auto it = claims.find(name);
  if (it == claims.end() || !it->is_number()) return {};
  const auto s = it->get<double>();
  return Wall{s > 0 && s <= kLast ? static_cast<std::int64_t>(s * 1000) : 0};
}

// For people's eyes: what would upset a terminal is replaced. Empty: no string.
std::string clean(const Json& value) {
  if (!value.is_string()) return {};
  std::string out = value.get<std::string>();
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return out;
}
std::string text_of(const Json& claims, const char* name) {
  const auto it = claims.find(name);
  return it == claims.end() ? std::string() : clean(*it);
}

Result<Credential> read_token(std::string_view content) {
  const std::size_t first = content.find('.');
  const std::size_t second = first == std::string_view::npos ? first : content.find('.', first + 1);
  if (second == std::string_view::npos || content.find('.', second + 1) != std::string_view::npos)
    return unfit("unreadable", "is neither a PEM file nor a JSON web token");
  std::string payload;
  if (!decode(content.substr(first + 1, second - first - 1), payload))
    return unfit("unreadable", "looks like a JSON web token, but its payload is not base64url");
  const Json claims = Json::parse(payload, nullptr, false);
  if (!claims.is_object()) return unfit("unreadable", "looks like a JSON web token, but its payload is not JSON");
  Credential c;
  if (claims.contains("exp")) {
    c.ends = time_of(claims, "exp");
    if (c.ends.ms == 0) return unfit("unreadable", "is a token whose 'exp' is no time");
  }
  c.begins = time_of(claims, "nbf");
  c.identity = text_of(claims, "sub");
  c.issuer = text_of(claims, "iss");
  c.scope = text_of(claims, "scope");
  if (const auto aud = claims.find("aud"); aud != claims.end() && aud->is_array()) {
    for (const auto& one : *aud) c.audiences.push_back(clean(one));
  } else if (const std::string one = text_of(claims, "aud"); !one.empty()) {
    c.audiences.push_back(one);
  }
  return c;
}

// Without the parts that say nothing: "/atlas/Role=NULL/Capability=NULL" is "/atlas".
std::string plain_fqan(std::string fqan) {
  for (const std::string_view nothing : {"/Capability=NULL", "/Role=NULL"})
    if (fqan.ends_with(nothing)) fqan.resize(fqan.size() - nothing.size());
  return fqan;
}

std::string listed(const std::vector<std::string>& all) {
  return all.empty() ? "none" : fmt::format("{}", fmt::join(all, ", "));
}

bool holds_words(std::string_view scope, std::string_view words) {
  const std::string padded = fmt::format(" {} ", scope);
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    if (!word.empty() && padded.find(fmt::format(" {} ", word)) == std::string::npos) return false;
    words.remove_prefix(std::min(words.size(), word.size() + 1));
  }
  return true;
}

Status check_life(std::string_view what, Wall ends, Duration min_life, Wall now) {
  if (ends.ms == 0) return {};
  const Duration left = between(now, ends);
  if (left <= Duration::zero())
    return unfit("too_short", fmt::format("{} ended at {}", what, iso8601(ends)), "renew it");
  if (left < min_life)
    return unfit("too_short",
                 fmt::format("{} ends at {}, in {}; pilots need {}", what, iso8601(ends), human(left), human(min_life)),
                 "renew it, or set credential_min_life");
  return {};
}

Status check_proxy(const Credential& c, const Expected& expected, Wall now) {
  if (!expected.audience.empty() || !expected.issuer.empty() || !expected.scope.empty())
    return unfit("type", "is a proxy, but a token is expected");
  if (auto ok = check_life("the proxy", c.ends, expected.min_life, now); !ok) return ok;
  if (expected.fqan.empty()) return {};
  const std::string wanted = plain_fqan(expected.fqan);
  const bool has =
      std::any_of(c.fqans.begin(), c.fqans.end(), [&](const std::string& f) { return plain_fqan(f) == wanted; });
  if (!has)
    return unfit("fqan",
                 fmt::format("the proxy lacks the VOMS attribute {}; it has: {}", expected.fqan, listed(c.fqans)));
  return check_life("the proxy's VOMS attribute", c.attributes_end, expected.min_life, now);
}

Status check_token(const Credential& c, const Expected& expected, Wall now) {
  if (!expected.fqan.empty()) return unfit("type", "is a token, but a proxy with a VOMS attribute is expected");
  if (auto ok = check_life("the token", c.ends, expected.min_life, now); !ok) return ok;
  const auto& all = c.audiences;
  if (!expected.audience.empty() && std::find(all.begin(), all.end(), expected.audience) == all.end())
    return unfit("audience", fmt::format("the token is not for {}; its audience: {}", expected.audience, listed(all)));
  if (!expected.issuer.empty() && c.issuer != expected.issuer)
    return unfit("issuer", fmt::format("the token's issuer is '{}', not {}", c.issuer, expected.issuer));
  if (!holds_words(c.scope, expected.scope))
    return unfit("scope", fmt::format("the token's scope '{}' lacks some of '{}'", c.scope, expected.scope));
  return {};
}

}  // namespace

Result<Credential> read(std::string_view content) {
  content = trimmed(content);
  if (content.empty()) return unfit("unreadable", "is empty");
  return looks_like_pem(content) ? read_proxy(content) : read_token(content);
}

Status check(const Credential& c, const Expected& expected, Wall now) {
  if (c.begins.ms > now.ms + 60'000)  // a minute of clocks that disagree
    return unfit("too_early", fmt::format("is not valid before {}", iso8601(c.begins)), "is this host's clock right?");
  return c.type == Type::proxy ? check_proxy(c, expected, now) : check_token(c, expected, now);
}

}  // namespace apf::credential
