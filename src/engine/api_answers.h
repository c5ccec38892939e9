// Small pieces of the HTTP API: how errors become answers, who asks, and with which key. For src/engine/api*.cc.
//
// Thread-safety: pure functions (user_of reads the user database).
#pragma once

#include <string>
#include <string_view>

#include "apf/result.h"
#include "net/http_server.h"

namespace apf::engine {

Error not_found(std::string what);
Error not_begun();

net::Response json_response(std::string body, int status = 200);  // never cached
net::Response error_response(const Error& error);                 // the status follows from code and kind

// "unix:1000" -> "anna": for people, and for the ledger.
std::string user_of(const std::string& peer);
// What stands behind "Authorization: Bearer"; empty: nothing.
std::string_view bearer(const net::Request& request);

}  // namespace apf::engine
