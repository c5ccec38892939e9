// One connection of the HTTP server, and what all of them share. The only code that sees Boost.Beast is behind it, in
// http_session.cc.
//
// Thread-safety: everything here belongs to the server's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>

#include "net/gate.h"
#include "net/http_server.h"
#include "net/open_beneath.h"
#include "net/tls.h"

namespace boost::asio {
class io_context;
}

namespace apf::net {

class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;
  virtual void begin() = 0;
  virtual void shut() = 0;  // the server stops: an answer on its way may still leave
};

// What the sessions see of the server.
struct Host {
  ServerOptions options;
  Handler handler;
  boost::asio::io_context* io = nullptr;
  std::shared_ptr<Gate> gate;
  bool stopping = false;
  std::unordered_set<std::shared_ptr<Session>> sessions;
  std::size_t streams = 0;  // now open
  std::size_t most_streams = 0;
  std::function<void()> on_session_end;
};

// `tls` may be null. Nothing: the descriptor can't be used. The caller puts it into host.sessions and begins it.
std::shared_ptr<Session> make_session(Host& host, OwnedFd fd, int family, ssl_ctx_st* tls, std::string peer);

}  // namespace apf::net
