// The control socket's verbs: POST /control/<verb>, on <state_dir>/apf.sock only (mode 0600). JSON in, JSON out; errors
// in the form of replies.h. The command line (src/factory) is the client.
//
//   pause resume enable disable drain   {"scope","who","reason","until_ms"}
//   remove {"queue","batch","node","ids","states","missing","older_s","dry_run","who","reason","limit"} reload {}
//   accept-view                         {"batch","who"}
//   adopt, ledger-rebuild               {"who"}
//   stop                                {}
//
// Thread-safety: called on the HTTP server's thread; does not block.
#pragma once

#include "net/http_server.h"

namespace apf::engine {

class Engine;
constexpr std::string_view kControlBase = "/control/";

void answer_control(Engine& engine, const net::Request& request, const net::ReplyPtr& reply);

}  // namespace apf::engine
