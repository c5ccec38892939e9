// The façade over Boost.Beast: the only file that includes boost. Callbacks on one thread; nothing in here needs a lock
// except Gate, the way in from other threads.
#include "net/http_server.h"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

#include "net/http_message.h"
#include "net/listen.h"
#include "net/outgoing.h"

namespace apf::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;
using Stream = beast::basic_stream<Protocol, asio::io_context::executor_type>;
using Socket = Stream::socket_type;

constexpr std::size_t kPiece = std::size_t{128} << 10U;      // of an answer, between two looks at the clock
constexpr std::size_t kLeastRate = std::size_t{64} << 10U;   // bytes a second that a client must send of a body
constexpr std::size_t kDiscardCap = std::size_t{16} << 20U;  // of a refused request
constexpr seconds kLinger{2};
constexpr milliseconds kFarewell{500};
constexpr milliseconds kLook{500};  // between two looks whether a client that has sent ahead is still there

// A connection, with TLS or without: what Beast and Asio read from and write to.
class Wire {
 public:
  using executor_type = Stream::executor_type;
  Wire(Socket socket, ssl_ctx_st* tls) : plain_(std::move(socket)) {
    if (tls != nullptr) tls_.emplace(plain_, SSL_new(tls));
  }
  executor_type get_executor() { return plain_.get_executor(); }
  [[nodiscard]] bool secure() const { return tls_.has_value(); }
  [[nodiscard]] std::string client() { return tls_ ? client_dn(tls_->native_handle()) : std::string(); }
  Stream& plain() { return plain_; }  // deadlines, and bytes as they are on the way
  Socket& socket() { return plain_.socket(); }

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (tls_) return tls_->async_read_some(buffers, std::forward<Handler>(handler));
    plain_.async_read_some(buffers, std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (tls_) return tls_->async_write_some(buffers, std::forward<Handler>(handler));
    plain_.async_write_some(buffers, std::forward<Handler>(handler));
  }
  template <class Handler>
  void async_handshake(Handler&& handler) {
    tls_->async_handshake(asio::ssl::stream_base::server, std::forward<Handler>(handler));
  }
  template <class Handler>
  void async_shutdown(Handler&& handler) {
    tls_->async_shutdown(std::forward<Handler>(handler));
  }

 private:
  Stream plain_;
  std::optional<asio::ssl::stream<Stream&>> tls_;
};

// The way from other threads into the server's. Outlives the server: replies hold it.
struct Gate {
  std::mutex mutex;
  asio::io_context* io = nullptr;  // null: the server has stopped

  template <class F>
  void post(F&& f) {
    const std::lock_guard lock(mutex);
    if (io != nullptr) asio::post(*io, std::forward<F>(f));
  }
};

class Session;

class OneShot final : public Reply {
 public:
  OneShot(std::shared_ptr<Gate> gate, std::weak_ptr<Session> session, std::shared_ptr<const std::atomic<bool>> gone)
      : gate_(std::move(gate)), session_(std::move(session)), gone_(std::move(gone)) {}
  OneShot(const OneShot&) = delete;
  OneShot& operator=(const OneShot&) = delete;
  ~OneShot() override;
  void send(Response response) override;
  [[nodiscard]] bool closed() const override { return gone_->load(std::memory_order_relaxed); }

 private:
  std::shared_ptr<Gate> gate_;
  std::weak_ptr<Session> session_;  // locked on the server's thread only
  std::shared_ptr<const std::atomic<bool>> gone_;
  std::atomic<bool> sent_{false};
};

// What the sessions see of the server.
struct Host {
  ServerOptions options;
  Handler handler;
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  bool stopping = false;
  std::unordered_set<std::shared_ptr<Session>> sessions;
  std::function<void()> on_session_end;
};

// One connection: head -> body -> handler -> answer -> the next head. Every step has a deadline, but the handler's.
class Session final : public std::enable_shared_from_this<Session> {
 public:
  Session(Host& host, Socket socket, ssl_ctx_st* tls, std::string peer)
      : host_(host),
        wire_(std::move(socket), tls),
        peer_(std::move(peer)),
        buffer_(host.options.header_limit + kPiece),
        gone_(std::make_shared<std::atomic<bool>>(false)) {}

  void begin();
  void deliver(Response response);
  void shut();  // the server stops: an answer on its way may still leave

 private:
  enum class State : std::uint8_t { reading, waiting, writing, closed };
  void read_head();
  void on_head(error_code ec);
  [[nodiscard]] bool admitted();
  void read_body();
  void on_request();
  void watch();
  void look(std::uint64_t answers);
  void refuse(const error_code& ec);
  void write(Response response);
  void write_piece(bool with_head);
  [[nodiscard]] std::optional<asio::const_buffer> next_piece();
  void on_written();
  void say_goodbye();
  void linger(std::size_t seen);
  void close();
  [[nodiscard]] Request make_request() const;

  Host& host_;
  Wire wire_;
  std::string peer_, client_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::shared_ptr<std::atomic<bool>> gone_;
  State state_ = State::reading;
  std::uint64_t answers_ = 0;  // so far
  bool keep_alive_ = true;
  Request request_;  // kept while it is answered: conditions and ranges shape the answer
  bool head_only_ = false;
  Outgoing out_;
  std::string piece_;
};

OneShot::~OneShot() {
  if (!sent_.load()) OneShot::send(problem(500, "net.no_reply", "the request was not answered"));
}

void OneShot::send(Response response) {
  if (sent_.exchange(true)) return;
  gate_->post([session = session_, response = std::move(response)]() mutable {
    if (const auto alive = session.lock()) alive->deliver(std::move(response));
  });
}

void Session::begin() {
  if (!wire_.secure()) return read_head();
  wire_.plain().expires_after(host_.options.idle_timeout);
  wire_.async_handshake([self = shared_from_this()](error_code ec) {
    if (ec) return self->close();
    self->client_ = self->wire_.client();
    self->read_head();
  });
}

void Session::read_head() {
  state_ = State::reading;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(host_.options.header_limit));
  parser_->body_limit(host_.options.body_limit);
  wire_.plain().expires_after(host_.options.idle_timeout);  // for the whole head, however slowly it drips in
  http::async_read_header(wire_, buffer_, *parser_,
                          [self = shared_from_this()](error_code ec, std::size_t) { self->on_head(ec); });
}

void Session::on_head(error_code ec) {
  if (ec) return refuse(ec);
  if (host_.options.admit && !admitted()) return;
  const auto& head = parser_->get();
  if (!beast::iequals(head[http::field::expect], "100-continue")) return read_body();
  static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(wire_, asio::buffer(go_on), [self = shared_from_this()](error_code failed, std::size_t) {
    if (failed) return self->close();
    self->read_body();
  });
}

// Answers when not.
bool Session::admitted() {
  Request head = make_request();
  const auto raw = parser_->get().target();
  auto target = parse_target({raw.data(), raw.size()});
  if (!target) return true;  // on_request() says what is wrong with it
  head.path = std::move(target->path);
  head.query = std::move(target->query);
  auto refused = host_.options.admit(head);
  if (!refused) return true;
  keep_alive_ = false;
  head_only_ = head.method == "HEAD";
  request_ = std::move(head);
  write(std::move(*refused));
  return false;
}

void Session::read_body() {
  const auto length = parser_->content_length().value_or(host_.options.body_limit);
  wire_.plain().expires_after(host_.options.idle_timeout + seconds{length / kLeastRate});
  http::async_read(wire_, buffer_, *parser_, [self = shared_from_this()](error_code ec, std::size_t) {
    if (ec) return self->refuse(ec);
    self->on_request();
  });
}

Request Session::make_request() const {
  const auto& message = parser_->get();
  Request request;
  request.method = std::string(message.method_string());
  request.peer = peer_;
  request.secure = wire_.secure();
  request.client = client_;
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    auto& value = request.headers[name];
    if (!value.empty()) value += ", ";
    value += std::string_view(field.value().data(), field.value().size());
  }
  return request;
}

void Session::on_request() {
  wire_.plain().expires_never();
  keep_alive_ = parser_->get().keep_alive() && !host_.stopping;
  request_ = make_request();
  head_only_ = request_.method == "HEAD";
  if (head_only_) request_.method = "GET";
  const auto raw = parser_->get().target();
  auto target = parse_target({raw.data(), raw.size()});
  if (!target) return write(problem(400, target.error().code, target.error().what));
  Request handed = request_;
  handed.path = std::move(target->path);
  handed.query = std::move(target->query);
  handed.body = std::move(parser_->get().body());
  parser_.reset();
  state_ = State::waiting;
  auto reply = std::make_shared<OneShot>(host_.gate, weak_from_this(), gone_);
  try {
    host_.handler(handed, reply);
  } catch (const std::exception&) {
    reply->send(problem(500, "net.handler_failed", "the request failed inside the program"));
  }
  reply.reset();
  // Answers are posted, also those given at once. Look for the client's going only when this one takes its time.
  asio::post(wire_.get_executor(), [self = shared_from_this()] {
    if (self->state_ == State::waiting) self->watch();
  });
}

// While the handler takes its time: tells it when the client hangs up.
void Session::watch() {
  wire_.socket().async_wait(Socket::wait_read, [self = shared_from_this(), answers = answers_](error_code ec) {
    if (!ec) self->look(answers);
  });
}

// Behind what was sent ahead (a further request, or TLS's last word) the end can only be looked for.
void Session::look(std::uint64_t answers) {
  if (state_ != State::waiting || answers_ != answers) return;
  if (hung_up(wire_.socket().native_handle())) return gone_->store(true, std::memory_order_relaxed);
  auto timer = std::make_shared<asio::steady_timer>(wire_.get_executor(), kLook);
  timer->async_wait([self = shared_from_this(), timer, answers](error_code ec) {
    if (!ec) self->look(answers);
  });
}

void Session::deliver(Response response) {
  if (state_ != State::waiting) return;
  ++answers_;
  error_code ignored;
  wire_.socket().cancel(ignored);  // the watch
  write(std::move(response));
}

// A request that can't be read: tell the client why, where it can still hear us.
void Session::refuse(const error_code& ec) {
  keep_alive_ = false;
  head_only_ = false;
  request_ = {};
  if (ec == http::error::body_limit) return write(problem(413, "net.body_too_long", "the request's body is too long"));
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
    return write(problem(431, "net.header_too_long", "the request's head is too long"));
  }
  const bool malformed = ec.category() == make_error_code(http::error::bad_method).category() &&
                         ec != http::error::end_of_stream && ec != http::error::partial_message;
  if (malformed) return write(problem(400, "net.bad_request", "this is no HTTP/1.1 request"));
  close();
}

void Session::write(Response response) {
  state_ = State::writing;
  if (host_.stopping) keep_alive_ = false;
  const Asked asked{request_.method == "GET", head_only_, keep_alive_, &request_.headers};
  out_ = make_outgoing(std::move(response), asked, wall_now());
  if (out_.file.get() < 0) out_.remaining = out_.body.size();
  write_piece(true);
}

// Nothing: the file has become shorter than its head promised.
std::optional<asio::const_buffer> Session::next_piece() {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(out_.remaining, kPiece));
  if (out_.file.get() < 0) {
    const auto* data = out_.body.data() + out_.offset;
    out_.offset += size;
    out_.remaining -= size;
    return asio::const_buffer(data, size);
  }
  if (size == 0) return asio::const_buffer();
  piece_.resize(size);
  const auto got = ::pread(out_.file.get(), piece_.data(), size, static_cast<off_t>(out_.offset));
  if (got <= 0) return {};
  out_.offset += static_cast<std::uint64_t>(got);
  out_.remaining -= static_cast<std::uint64_t>(got);
  return asio::const_buffer(piece_.data(), static_cast<std::size_t>(got));
}

void Session::write_piece(bool with_head) {
  const auto piece = next_piece();
  if (!piece) return close();
  const auto head = with_head ? asio::buffer(out_.head) : asio::const_buffer();
  wire_.plain().expires_after(host_.options.idle_timeout);
  asio::async_write(wire_, std::array<asio::const_buffer, 2>{head, *piece},
                    [self = shared_from_this()](error_code ec, std::size_t) {
                      if (ec) return self->close();
                      self->on_written();
                    });
}

void Session::on_written() {
  if (out_.remaining > 0) return write_piece(false);
  out_ = {};
  if (piece_.capacity() > 0) std::string().swap(piece_);  // idle connections are to be cheap
  if (keep_alive_ && !host_.stopping) return read_head();
  wire_.plain().expires_after(kLinger);
  if (!wire_.secure() || host_.stopping) return say_goodbye();
  wire_.async_shutdown([self = shared_from_this()](error_code) { self->say_goodbye(); });
}

// Closing while the client still sends would make the kernel reset the connection, and our answer could be lost.
void Session::say_goodbye() {
  error_code ignored;
  wire_.socket().shutdown(Socket::shutdown_send, ignored);
  if (host_.stopping) return close();
  linger(0);
}

void Session::linger(std::size_t seen) {
  piece_.resize(kLeastRate);
  wire_.plain().async_read_some(asio::buffer(piece_), [self = shared_from_this(), seen](error_code ec, std::size_t n) {
    if (ec || seen + n > kDiscardCap) return self->close();
    self->linger(seen + n);
  });
}

void Session::shut() {
  if (state_ != State::writing) close();
}

void Session::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  gone_->store(true, std::memory_order_relaxed);
  wire_.plain().close();
  host_.sessions.erase(shared_from_this());
  host_.on_session_end();
}

class BeastServer final : public HttpServer {
 public:
  BeastServer(const ServerOptions& options, Handler handler, Listening listening, TlsContext tls);
  BeastServer(const BeastServer&) = delete;
  BeastServer& operator=(const BeastServer&) = delete;
  ~BeastServer() override { BeastServer::stop(); }
  [[nodiscard]] std::uint16_t port() const override { return port_; }
  void stop() override;

 private:
  void accept();
  void accept_ready();
  [[nodiscard]] bool accept_one();  // false: nothing more now
  void begin(OwnedFd fd);
  ssl_ctx_st* tls();
  void begin_stop();
  void remove_socket_file() const;

  // Order matters: sessions and timers go before the context that they belong to.
  asio::io_context io_{1};
  asio::posix::stream_descriptor listener_{io_};
  asio::steady_timer timer_{io_};
  Host host_;
  TlsContext tls_;
  Mono tls_read_ = mono_now();
  std::uint16_t port_;
  int family_;
  std::size_t most_;
  bool accepting_ = false;
  ino_t socket_file_ = 0;
  std::mutex stop_mutex_;
  std::thread thread_;
};

BeastServer::BeastServer(const ServerOptions& options, Handler handler, Listening listening, TlsContext tls)
    : tls_(std::move(tls)),
      port_(listening.port),
      family_(listening.family),
      most_(connection_limit(options.max_connections)) {
  host_.options = options;
  host_.handler = std::move(handler);
  host_.gate->io = &io_;
  host_.on_session_end = [this] {
    if (host_.stopping && host_.sessions.empty()) io_.stop();
    if (!host_.stopping && !accepting_) accept();
  };
  struct stat st{};
  if (family_ == AF_UNIX && ::lstat(options.unix_path.c_str(), &st) == 0) socket_file_ = st.st_ino;
  listener_.assign(listening.fd.release());
  listener_.non_blocking(true);
  accept();
  thread_ = std::thread([this] { io_.run(); });
}

void BeastServer::accept() {
  accepting_ = true;
  listener_.async_wait(asio::posix::descriptor_base::wait_read, [this](error_code ec) {
    if (!ec) accept_ready();
  });
}

void BeastServer::accept_ready() {
  for (int n = 0; n < 64; ++n) {  // others get their turn, too
    if (host_.sessions.size() >= most_) {
      accepting_ = false;  // goes on when a session ends
      return;
    }
    if (!accept_one()) return;
  }
  accept();
}

// Our own accept: Asio's leaves a moment in which a child process could inherit the descriptor.
bool BeastServer::accept_one() {
  OwnedFd fd(::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (fd.get() >= 0) {
    begin(std::move(fd));
    return true;
  }
  if (errno == EINTR || errno == ECONNABORTED) return true;
  if (errno == EAGAIN) {
    accept();
    return false;
  }
  timer_.expires_after(milliseconds{100});  // out of descriptors or memory: the client waits in the backlog
  timer_.async_wait([this](error_code ec) {
    if (!ec) accept();
  });
  return false;
}

void BeastServer::begin(OwnedFd fd) {
  if (family_ != AF_UNIX) {
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  auto peer = peer_name(fd.get(), family_);
  Socket socket(io_);
  error_code ec;
  socket.assign(Protocol(family_, family_ == AF_UNIX ? 0 : IPPROTO_TCP), fd.get(), ec);
  if (ec) return;
  fd.release();
  auto session = std::make_shared<Session>(host_, std::move(socket), tls(), std::move(peer));
  host_.sessions.insert(session);
  session->begin();
}

ssl_ctx_st* BeastServer::tls() {
  if (tls_ != nullptr && mono_now() - tls_read_ >= host_.options.tls.reread) {
    tls_read_ = mono_now();
    if (auto fresh = make_tls(host_.options.tls))
      tls_ = std::move(*fresh);
    else
      host_.options.complain("the files of before stay in use: " + fresh.error().text());
  }
  return tls_.get();
}

void BeastServer::begin_stop() {
  host_.stopping = true;
  error_code ignored;
  listener_.close(ignored);
  const std::vector<std::shared_ptr<Session>> all(host_.sessions.begin(), host_.sessions.end());
  for (const auto& session : all) session->shut();
  if (host_.sessions.empty()) return io_.stop();
  timer_.expires_after(kFarewell);
  timer_.async_wait([this](error_code ec) {
    if (!ec) io_.stop();
  });
}

void BeastServer::remove_socket_file() const {
  struct stat st{};
  const auto& path = host_.options.unix_path;
  if (socket_file_ != 0 && ::lstat(path.c_str(), &st) == 0 && st.st_ino == socket_file_) ::unlink(path.c_str());
}

void BeastServer::stop() {
  const std::lock_guard one_at_a_time(stop_mutex_);
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(host_.gate->mutex);
    asio::post(io_, [this] { begin_stop(); });  // behind the answers that were sent before
    host_.gate->io = nullptr;
  }
  thread_.join();
  host_.sessions.clear();
  remove_socket_file();
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const ServerOptions& options, Handler handler) {
  TlsContext tls;
  if (options.tls.wanted()) {
    auto made = make_tls(options.tls);
    if (!made) return fail(std::move(made.error()));
    tls = std::move(*made);
  }
  auto listening =
      options.unix_path.empty() ? listen_tcp(options.address, options.port) : listen_unix(options.unix_path);
  if (!listening) return fail(listening.error());
  return std::make_unique<BeastServer>(options, std::move(handler), std::move(*listening), std::move(tls));
}

}  // namespace apf::net
