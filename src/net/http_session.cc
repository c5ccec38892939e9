// The façade over Boost.Beast. Callbacks on one thread; nothing in here needs a lock.
#include "net/http_session.h"

#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "net/http_message.h"
#include "net/http_reply.h"
#include "net/listen.h"
#include "net/outgoing.h"

namespace apf::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;
using Transport = beast::basic_stream<Protocol, asio::io_context::executor_type>;
using Socket = Transport::socket_type;

constexpr std::size_t kPiece = std::size_t{128} << 10U;      // of an answer, between two looks at the clock
constexpr std::size_t kLeastRate = std::size_t{64} << 10U;   // bytes a second that a client must send of a body
constexpr std::size_t kDiscardCap = std::size_t{16} << 20U;  // of a refused request
constexpr int kStreamBuffer = 32 << 10;  // of the kernel for a stream, else thousands of them may take gigabytes
constexpr seconds kLinger{2};
constexpr milliseconds kLook{500};  // between two looks whether a client that has sent ahead is still there

// A connection, with TLS or without: what Beast and Asio read from and write to.
class Wire {
 public:
  using executor_type = Transport::executor_type;
  Wire(Socket socket, ssl_ctx_st* tls) : plain_(std::move(socket)) {
    if (tls != nullptr) tls_.emplace(plain_, SSL_new(tls));
  }
  executor_type get_executor() { return plain_.get_executor(); }
  [[nodiscard]] bool secure() const { return tls_.has_value(); }
  [[nodiscard]] std::string client() { return tls_ ? client_dn(tls_->native_handle()) : std::string(); }
  Transport& plain() { return plain_; }  // deadlines, and bytes as they are on the way
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
  Transport plain_;
  std::optional<asio::ssl::stream<Transport&>> tls_;
};

// One connection: head -> body -> handler -> answer -> the next head. Every step has a deadline, but the handler's.
class Connection final : public Session, public Answered, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Host& host, Socket socket, ssl_ctx_st* tls, std::string peer)
      : host_(host),
        wire_(std::move(socket), tls),
        peer_(std::move(peer)),
        buffer_(host.options.header_limit + kPiece),
        fate_(std::make_shared<Fate>()) {}

  void begin() override;
  void shut() override;
  void deliver(Response response) override;
  void open(Response response) override;
  void push(std::shared_ptr<const std::string> piece) override;
  void end() override;
  void close() override;

 private:
  enum class State : std::uint8_t { reading, waiting, writing, streaming, closed };
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
  void pump();
  void finish();
  void say_goodbye();
  void linger(std::size_t seen);
  [[nodiscard]] Request make_request() const;

  Host& host_;
  Wire wire_;
  std::string peer_, client_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::shared_ptr<Fate> fate_;
  State state_ = State::reading;
  std::uint64_t answers_ = 0;  // so far
  bool keep_alive_ = true;
  Request request_;  // kept while it is answered: conditions and ranges shape the answer
  bool head_only_ = false;
  Outgoing out_;
  std::string piece_;
  std::deque<std::shared_ptr<const std::string>> queue_;     // of a stream
  std::vector<std::shared_ptr<const std::string>> leaving_;  // on their way; empty: nothing is
  bool ended_ = false;
};

void Connection::begin() {
  if (!wire_.secure()) return read_head();
  wire_.plain().expires_after(host_.options.idle_timeout);
  wire_.async_handshake([self = shared_from_this()](error_code ec) {
    if (ec) return self->close();
    self->client_ = self->wire_.client();
    self->read_head();
  });
}

void Connection::read_head() {
  state_ = State::reading;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(host_.options.header_limit));
  parser_->body_limit(host_.options.body_limit);
  wire_.plain().expires_after(host_.options.idle_timeout);  // for the whole head, however slowly it drips in
  http::async_read_header(wire_, buffer_, *parser_,
                          [self = shared_from_this()](error_code ec, std::size_t) { self->on_head(ec); });
}

void Connection::on_head(error_code ec) {
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
bool Connection::admitted() {
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

void Connection::read_body() {
  const auto length = parser_->content_length().value_or(host_.options.body_limit);
  wire_.plain().expires_after(host_.options.idle_timeout + seconds{length / kLeastRate});
  http::async_read(wire_, buffer_, *parser_, [self = shared_from_this()](error_code ec, std::size_t) {
    if (ec) return self->refuse(ec);
    self->on_request();
  });
}

Request Connection::make_request() const {
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

void Connection::on_request() {
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
  ReplyPtr reply = make_reply({host_.gate, weak_from_this(), fate_, host_.options.backlog});
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

// While the handler takes its time, or a stream is open: tells it when the client hangs up.
void Connection::watch() {
  wire_.socket().async_wait(Socket::wait_read, [self = shared_from_this(), answers = answers_](error_code ec) {
    if (!ec) self->look(answers);
  });
}

// Behind what was sent ahead (a further request, or TLS's last word) the end can only be looked for.
void Connection::look(std::uint64_t answers) {
  if ((state_ != State::waiting && state_ != State::streaming) || answers_ != answers) return;
  const bool gone = hung_up(wire_.socket().native_handle());
  if (gone && state_ == State::streaming) return close();
  if (gone) return fate_->gone.store(true, std::memory_order_relaxed);
  auto timer = std::make_shared<asio::steady_timer>(wire_.get_executor(), kLook);
  timer->async_wait([self = shared_from_this(), timer, answers](error_code ec) {
    if (!ec) self->look(answers);
  });
}

void Connection::deliver(Response response) {
  if (state_ != State::waiting) return;
  ++answers_;
  error_code ignored;
  wire_.socket().cancel(ignored);  // the watch
  write(std::move(response));
}

// The answer ends where the connection does: the only end of a body that HTTP/1.0 knows, too.
void Connection::open(Response response) {
  if (state_ != State::waiting) return;
  keep_alive_ = false;
  const bool full = host_.streams >= host_.most_streams;
  if (full || head_only_ || host_.stopping) {
    fate_->gone.store(true, std::memory_order_relaxed);
    if (!full) return deliver(std::move(response));
    auto refused = problem(503, "net.too_many_streams", "too many clients are listening; try again later");
    refused.headers["Retry-After"] = "30";
    return deliver(std::move(refused));
  }
  ++answers_;
  error_code ignored;
  wire_.socket().cancel(ignored);  // the watch
  const int size = kStreamBuffer;
  ::setsockopt(wire_.socket().native_handle(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  Asked asked{request_.method == "GET", false, false, &request_.headers};
  asked.endless = true;
  auto out = make_outgoing(std::move(response), asked, wall_now());
  request_ = {};
  buffer_.clear();
  buffer_.shrink_to_fit();
  state_ = State::streaming;
  ++host_.streams;
  fate_->waiting += out.head.size() + out.body.size();
  queue_.push_back(std::make_shared<const std::string>(out.head + out.body));
  pump();
  watch();
}

void Connection::push(std::shared_ptr<const std::string> piece) {
  if (state_ != State::streaming) return;
  queue_.push_back(std::move(piece));
  pump();
}

void Connection::end() {
  if (state_ != State::streaming) return;
  ended_ = true;
  pump();
}

void Connection::pump() {
  if (!leaving_.empty()) return;
  if (queue_.empty()) {
    if (!ended_) return;
    state_ = State::writing;
    return finish();
  }
  std::vector<asio::const_buffer> buffers;
  std::size_t size = 0;
  while (!queue_.empty() && size < kPiece) {
    leaving_.push_back(std::move(queue_.front()));
    queue_.pop_front();
    buffers.push_back(asio::buffer(*leaving_.back()));
    size += leaving_.back()->size();
  }
  wire_.plain().expires_after(host_.options.idle_timeout);
  asio::async_write(wire_, buffers, [self = shared_from_this()](error_code ec, std::size_t n) {
    self->leaving_.clear();
    if (ec) return self->close();
    self->fate_->waiting -= n;
    if (self->state_ == State::streaming) self->pump();
  });
}

// A request that can't be read: tell the client why, where it can still hear us.
void Connection::refuse(const error_code& ec) {
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

void Connection::write(Response response) {
  state_ = State::writing;
  if (host_.stopping) keep_alive_ = false;
  const Asked asked{request_.method == "GET", head_only_, keep_alive_, &request_.headers};
  out_ = make_outgoing(std::move(response), asked, wall_now());
  if (out_.file.get() < 0) out_.remaining = out_.body.size();
  write_piece(true);
}

// Nothing: the file has become shorter than its head promised.
std::optional<asio::const_buffer> Connection::next_piece() {
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

void Connection::write_piece(bool with_head) {
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

void Connection::on_written() {
  if (out_.remaining > 0) return write_piece(false);
  out_ = {};
  if (piece_.capacity() > 0) std::string().swap(piece_);  // idle connections are to be cheap
  if (keep_alive_ && !host_.stopping) return read_head();
  finish();
}

void Connection::finish() {
  wire_.plain().expires_after(kLinger);
  if (!wire_.secure() || host_.stopping) return say_goodbye();
  wire_.async_shutdown([self = shared_from_this()](error_code) { self->say_goodbye(); });
}

// Closing while the client still sends would make the kernel reset the connection, and our answer could be lost.
void Connection::say_goodbye() {
  error_code ignored;
  wire_.socket().shutdown(Socket::shutdown_send, ignored);
  if (host_.stopping) return close();
  linger(0);
}

void Connection::linger(std::size_t seen) {
  piece_.resize(kLeastRate);
  wire_.plain().async_read_some(asio::buffer(piece_), [self = shared_from_this(), seen](error_code ec, std::size_t n) {
    if (ec || seen + n > kDiscardCap) return self->close();
    self->linger(seen + n);
  });
}

void Connection::shut() {
  if (state_ != State::writing) close();
}

void Connection::close() {
  if (state_ == State::closed) return;
  if (state_ == State::streaming || ended_) --host_.streams;
  state_ = State::closed;
  fate_->gone.store(true, std::memory_order_relaxed);
  wire_.plain().close();
  host_.sessions.erase(shared_from_this());
  host_.on_session_end();
}

}  // namespace

std::shared_ptr<Session> make_session(Host& host, OwnedFd fd, int family, ssl_ctx_st* tls, std::string peer) {
  Socket socket(*host.io);
  error_code ec;
  socket.assign(Protocol(family, family == AF_UNIX ? 0 : IPPROTO_TCP), fd.get(), ec);
  if (ec) return nullptr;
  fd.release();
  return std::make_shared<Connection>(host, std::move(socket), tls, std::move(peer));
}

}  // namespace apf::net
