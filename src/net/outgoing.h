// Turns a handler's Response into what goes over the wire: head, and body or a slice of an open file.
//
// Thread-safety: pure functions, apart from opening the file.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "net/http_server.h"
#include "net/open_beneath.h"

namespace apf::net {

struct Outgoing {
  std::string head, body;
  OwnedFd file;  // open: body is empty, and this slice of the file follows the head
  std::uint64_t offset = 0, remaining = 0;
};

struct Asked {  // of the request, what shapes the answer
  bool get = false, head_only = false, keep_alive = false;
  const std::map<std::string, std::string>* headers = nullptr;  // names in lower case
  bool endless = false;                                         // the body goes on until the connection is closed
};

Outgoing make_outgoing(Response response, const Asked& asked, Wall now);

StreamPtr closed_stream();

// An answer of the server itself: {"error":{"code":...,"what":...}}.
Response problem(int status, std::string_view code, std::string_view what);

}  // namespace apf::net
