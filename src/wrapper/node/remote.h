// A first word with a server through the node's curl: does it answer, and what time is it there?
//
// Thread-safety: pure functions, and hello() may be called from any number of threads.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apf/context.h"

namespace apf::wrapper::node {

struct Hello {
  int status = 0;            // any HTTP status: the server is there
  std::optional<Wall> date;  // its Date header; the second it began with
  Wall asked, answered;      // by the clock of this node
};

// HEAD of the address. Errors: Kind::config "wrapper.no_curl"; Kind::transient "wrapper.unreachable".
Result<Hello> hello(const std::string& url, Mono deadline);

// How much the node's clock is ahead of the server's, at least: 0 when the request's time explains the difference.
Duration ahead(const Hello& hello);

// The parts of it: an IMF-fixdate (RFC 9110, 5.6.7), and what curl printed.
std::optional<Wall> read_http_date(std::string_view text);
std::optional<Hello> read_head(std::string_view out);

}  // namespace apf::wrapper::node
