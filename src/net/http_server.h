// A small HTTP/1.1 server: one thread for all connections, handlers answer at once or later from any thread.
// Boost.Beast stands behind it, in http_server.cc only.
//
// Thread-safety: stop() and Reply may be used from any thread; handlers run on the server's thread and must not block
// (hand work that blocks to another thread and keep the Reply).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "apf/result.h"
#include "apf/time.h"

namespace apf::net {

struct Request {
  std::string method, path;  // path is percent-decoded, without the query
  std::multimap<std::string, std::string> query;      // decoded
  std::map<std::string, std::string> headers;         // names in lower case
  std::string body;
  std::string peer;                                   // "127.0.0.1"
};

struct Response {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;
  std::string file;               // serve this file instead of body; honours Range and If-Modified-Since
};

// One-shot: the first send() answers, later ones are ignored. Dropped without an answer: 500.
class Reply {
 public:
  virtual ~Reply() = default;
  virtual void send(Response response) = 0;
  [[nodiscard]] virtual bool closed() const = 0;  // the client has gone
};
using ReplyPtr = std::shared_ptr<Reply>;
using Handler = std::function<void(const Request&, ReplyPtr)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;             // 0: any free port
  std::string unix_path;              // instead of TCP: a Unix socket, mode 0600
  std::size_t body_limit = std::size_t{8} << 20U;
  std::size_t header_limit = 16384;
  Duration idle_timeout = seconds{30};
  int max_connections = 10000;
};

class HttpServer {
 public:
  // Binds and starts serving. Kind::config "net.address_in_use" when the port is taken.
  static Result<std::unique_ptr<HttpServer>> start(const ServerOptions& options, Handler handler);
  virtual ~HttpServer() = default;  // stops
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  virtual void stop() = 0;          // closes all connections, joins the thread
};

}  // namespace apf::net
