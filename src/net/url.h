// The parts of a URL as libcurl reads them, for those who have to judge a URL before it is fetched: judged by another
// reader, a URL could be fetched from elsewhere than it seemed.
//
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "apf/result.h"

namespace apf::net {

struct Url {
  std::string scheme, host;  // in lower case; an IPv6 address in brackets
  std::string port;          // that of the scheme where none is written
  std::string path;          // percent-encoded as written, without dot segments
  std::string query;         // likewise, without '?'
  bool user = false;         // somebody stands before '@', be it an empty name
};
// Absolute ones with a host, of printable ASCII; a fragment is left out. Error (permanent): "net.bad_url".
Result<Url> parse_url(const std::string& text);

}  // namespace apf::net
