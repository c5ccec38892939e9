// Whether something stays on this machine: what is sent to its loopback crosses no network, so a token may go there
// without TLS, and no proxy is asked.
//
// Thread-safety: pure functions.
#pragma once

#include <string_view>

namespace apf {

// "localhost", 127.x.x.x, "::1" (also as "[::1]"): plain forms only. No name is looked up.
bool is_loopback(std::string_view host);

// A URL with such a host, whatever its port and path; never one with a user before the host.
bool is_loopback_url(std::string_view url);

}  // namespace apf
