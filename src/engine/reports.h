// The endpoint for wrappers' reports: POST <base>/apfmon/jobs/<factory id>:<batch id> (src/protocol/apfmon.h), signed
// with the submission's report key in `Authorization: Bearer`.
//
// Thread-safety: called on the HTTP server's thread; does not block.
#pragma once

#include "net/http_server.h"

namespace apf::engine {

class Engine;
constexpr std::string_view kReportBase = "/apfmon";

void answer_report(Engine& engine, const net::Request& request, const net::ReplyPtr& reply);

}  // namespace apf::engine
