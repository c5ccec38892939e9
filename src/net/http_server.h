// A small HTTP/1.1 server: one thread for all connections, handlers answer at once or later from any thread.
// Boost.Beast stands behind it, in http_session.cc, http_server.cc and gate.cc only.
//
// HEAD reaches handlers as GET and is answered without the body. Requests that are malformed or beyond the limits are
// answered here (400, 413, 431); clients that are slow to send a request or to take an answer are cut off.
//
// Thread-safety: stop(), Reply and Stream may be used from any thread; handlers run on the server's thread and must not
// block (hand work that blocks to another thread and keep the Reply), nor call stop().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "apf/result.h"
#include "apf/time.h"
#include "net/tls.h"

namespace apf::net {

struct Request {
  std::string method, path;  // path is percent-decoded, without the query; it may hold "..": see Response::beneath
  std::multimap<std::string, std::string> query;  // decoded
  std::map<std::string, std::string> headers;     // names in lower case; repeated ones joined by ", "
  std::string body;
  std::string peer;     // "127.0.0.1"; "unix:1000" with the user id of the client's process
  bool secure = false;  // came over TLS
  std::string client;   // over TLS: the name in the client's certificate (net/tls.h); empty: it showed none
};

struct Response {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;
  // Serve this file instead of body, read piece by piece; its size and time give Last-Modified and ETag, and Range,
  // If-Range, If-None-Match and If-Modified-Since are honoured. What is no regular file gives 404.
  std::string file;
  // Directory that `file` is then relative to; no symbolic link below it is followed and nothing outside is reached.
  std::string beneath;
};

// An answer that goes on, as server-sent events do: pieces leave in the order in which they were written, as fast as
// the client takes them. When more than ServerOptions::backlog bytes wait for it, or a piece does not leave within the
// idle timeout, the client is cut off. Dropped: the answer ends behind what was written.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;
  // The piece may be shared with other streams. False: not taken, the client has gone or is cut off.
  virtual bool write(std::shared_ptr<const std::string> piece) = 0;
  [[nodiscard]] virtual bool closed() const = 0;
};
using StreamPtr = std::shared_ptr<Stream>;

// One-shot: the first send() or stream() answers, later ones are ignored, as is one after the server stopped or the
// client went. Dropped without an answer: 500.
class Reply {
 public:
  Reply() = default;
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  virtual ~Reply() = default;
  virtual void send(Response response) = 0;
  // Answers with this head and body, and goes on. Beyond ServerOptions::max_streams the client gets 503 instead, and
  // the stream is closed from the start. The connection serves no further request. A Reply that has no such way sends
  // the response, and the stream is closed.
  virtual StreamPtr stream(Response response);
  [[nodiscard]] virtual bool closed() const = 0;  // the client has gone
};
using ReplyPtr = std::shared_ptr<Reply>;
using Handler = std::function<void(const Request&, ReplyPtr)>;

// Looks at a request's head before its body is read: an answer refuses it, and the body is never taken. On the server's
// thread.
using Admit = std::function<std::optional<Response>(const Request& head)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free port
  std::string unix_path;   // instead of TCP: a Unix socket, mode 0600; a left-over file is replaced
  std::size_t body_limit = std::size_t{8} << 20U;
  std::size_t header_limit = 16384;
  Duration idle_timeout = seconds{30};  // for a whole request head, between requests, and for each piece of an answer
  int max_connections = 10000;          // at most half of the descriptors that this process may have
  int max_streams = 7500;               // at most three quarters of the connections, so that requests find room
  std::size_t backlog = std::size_t{256} << 10U;  // bytes that may wait for the client of a stream
  Admit admit;                                    // none: all are read
  TlsOptions tls;                                 // with a certificate: TLS only
  // Told why renewed files of `tls` can't be read; those of before stay in use. On the server's thread.
  std::function<void(const std::string&)> complain = [](const std::string&) {};
};

class HttpServer {
 public:
  // Binds and starts serving. Kind::config "net.address_in_use" when another program serves there, "net.cannot_listen",
  // "net.bad_tls".
  static Result<std::unique_ptr<HttpServer>> start(const ServerOptions& options, Handler handler);
  HttpServer() = default;
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  virtual ~HttpServer() = default;  // stops
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // Answers that were sent before get half a second to leave; then all connections are closed and the thread joined.
  virtual void stop() = 0;
};

}  // namespace apf::net
