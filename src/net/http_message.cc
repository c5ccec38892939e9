#include "net/http_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "net/http_client.h"

namespace apf::net {
namespace {

constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

tl::unexpected<Error> bad_request(std::string what) {
  return fail(Kind::permanent, "net.bad_request", std::move(what));
}

// Decoded text for handlers, which hand it to C interfaces: a NUL would cut it.
Result<std::string> decode(std::string_view text) {
  auto out = percent_decode(text);
  if (!out) return bad_request("the address holds " + out.error().what);
  if (out->find('\0') != std::string::npos) return bad_request("the address holds a NUL byte");
  return out;
}

Result<std::string> decode_query(std::string_view text) {
  std::string blanks(text);
  std::replace(blanks.begin(), blanks.end(), '+', ' ');
  return decode(blanks);
}

Status add_pair(std::string_view pair, std::multimap<std::string, std::string>& query) {
  if (pair.empty()) return {};
  const auto equals = pair.find('=');
  auto name = decode_query(pair.substr(0, equals));
  if (!name) return fail(name.error());
  auto value = decode_query(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
  if (!value) return fail(value.error());
  query.emplace(std::move(*name), std::move(*value));
  return {};
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

Slice last_bytes(std::uint64_t count, std::uint64_t size) {
  if (count == 0 || size == 0) return {Slice::Kind::unsatisfiable, 0, 0};
  const auto length = std::min(count, size);
  return {Slice::Kind::part, size - length, length};
}

const char* reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    default: return "Status";
  }
}

template <std::size_t N>
std::optional<int> index_of(const std::array<const char*, N>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return {};
  return static_cast<int>(found - names.begin());
}

}  // namespace

Result<Target> parse_target(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const auto slash = target.find('/', scheme.size());
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  target = target.substr(0, target.find('#'));
  if (!target.starts_with('/')) return bad_request("the address does not begin with '/'");
  const auto question = target.find('?');
  Target out;
  auto path = decode(target.substr(0, question));
  if (!path) return fail(path.error());
  out.path = std::move(*path);
  auto rest = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    if (auto s = add_pair(rest.substr(0, end), out.query); !s) return fail(s.error());
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

Slice parse_range(std::string_view header, std::uint64_t size) {
  const Slice whole{Slice::Kind::whole, 0, size};
  constexpr std::string_view unit = "bytes=";
  if (!header.starts_with(unit)) return whole;
  const auto range = trim(header.substr(unit.size()));
  const auto dash = range.find('-');
  if (dash == std::string_view::npos) return whole;
  const auto last = number<std::uint64_t>(range.substr(dash + 1));
  if (dash == 0) return last ? last_bytes(*last, size) : whole;
  const auto first = number<std::uint64_t>(range.substr(0, dash));
  const bool open_end = dash + 1 == range.size();
  if (!first || (!last && !open_end) || (last && *last < *first)) return whole;
  if (*first >= size) return {Slice::Kind::unsatisfiable, 0, 0};
  const auto end = open_end ? size - 1 : std::min(*last, size - 1);
  return {Slice::Kind::part, *first, end - *first + 1};
}

std::string http_date(Wall t) {
  const std::time_t s = t.ms / 1000;
  std::tm tm{};
  gmtime_r(&s, &tm);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays.at(static_cast<std::size_t>(tm.tm_wday)),
                     tm.tm_mday, kMonths.at(static_cast<std::size_t>(tm.tm_mon)), tm.tm_year + 1900, tm.tm_hour,
                     tm.tm_min, tm.tm_sec);
}

std::optional<Wall> parse_http_date(std::string_view text) {
  constexpr std::string_view model = "Sun, 06 Nov 1994 08:49:37 GMT";
  if (text.size() != model.size()) return {};
  const auto month = index_of(kMonths, text.substr(8, 3));
  const auto day = number<int>(text.substr(5, 2)), year = number<int>(text.substr(12, 4));
  const auto hour = number<int>(text.substr(17, 2)), minute = number<int>(text.substr(20, 2)),
             second = number<int>(text.substr(23, 2));
  if (!month || !day || !year || !hour || !minute || !second || *year < 1970) return {};
  std::tm tm{};
  tm.tm_year = *year - 1900;
  tm.tm_mon = *month;
  tm.tm_mday = *day;
  tm.tm_hour = *hour;
  tm.tm_min = *minute;
  tm.tm_sec = *second;
  const Wall t{std::int64_t{timegm(&tm)} * 1000};
  if (http_date(t) != text) return {};  // the 31st of February, a wrong day of the week, other separators
  return t;
}

bool matches_etag(std::string_view list, std::string_view etag) {
  const auto opaque = [](std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; };
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    const auto one = trim(list.substr(0, end));
    if (one == "*" || (!one.empty() && opaque(one) == opaque(etag))) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

std::string response_head(int status, const std::map<std::string, std::string>& headers) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", status, reason(status));
  for (const auto& [name, value] : headers) {
    const auto start = head.size();
    head += name;
    head += ": ";
    head += value;
    // Nobody's text may begin a header of its own.
    std::replace_if(
        head.begin() + static_cast<std::ptrdiff_t>(start), head.end(),
        [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
    head += "\r\n";
  }
  return head + "\r\n";
}

}  // namespace apf::net
