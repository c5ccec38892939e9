// Replies in JSON, and errors in the one form that the API and the control socket use:
// {"error":{"kind","code","what","where","advice"}}.
//
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "apf/result.h"
#include "net/http_server.h"

namespace apf::engine {

std::string error_json(const Error& error);
// config -> 400, transient -> 503, permanent -> 409, uncertain -> 502, bug -> 500.
net::Response error_reply(const Error& error);
net::Response error_reply(int status, const std::string& code, const std::string& what);

}  // namespace apf::engine
