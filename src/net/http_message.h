// The parts of an HTTP message that the server reads or writes itself: targets, ranges, dates, heads of responses.
// RFC 9110 (semantics), RFC 9112 (HTTP/1.1).
//
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "apf/result.h"
#include "apf/time.h"

namespace apf::net {

struct Target {
  std::string path;  // decoded; begins with '/'
  std::multimap<std::string, std::string> query;
};
// "/a%20b?x=1" or "http://host/a". Error "net.bad_request": neither, a broken escape, or a NUL byte.
Result<Target> parse_target(std::string_view target);

// What is to be sent of a file of `size` bytes.
struct Slice {
  enum class Kind : std::uint8_t { whole, part, unsatisfiable } kind = Kind::whole;
  std::uint64_t first = 0, length = 0;
};
// A single range; anything else (several ranges, other units, nonsense) asks for the whole, as RFC 9110 14.2 allows.
Slice parse_range(std::string_view header, std::uint64_t size);

// "Sun, 06 Nov 1994 08:49:37 GMT"; reading accepts this form only.
std::string http_date(Wall t);
std::optional<Wall> parse_http_date(std::string_view text);

// If-None-Match: `*` or a list of entity tags, compared weakly.
bool matches_etag(std::string_view list, std::string_view etag);

// Status line and headers with the empty line behind them. Line breaks in values become blanks.
std::string response_head(int status, const std::map<std::string, std::string>& headers);

}  // namespace apf::net
