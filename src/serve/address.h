// Addresses that people write: "127.0.0.1:25880", "[::1]:0", "0.0.0.0:25880".
//
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "net/http_server.h"

namespace apf::serve {

// `option` is what to name in the error: Kind::config "config.bad_address".
Result<net::ServerOptions> read_address(const std::string& listen, const std::string& option);
// What to put in an URL for a server that listens there: a wildcard address becomes the host's name.
std::string url_base(const std::string& address, std::uint16_t port);

}  // namespace apf::serve
