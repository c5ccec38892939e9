// The listening side: accepts connections and stops them. Callbacks on one thread.
#include "net/http_server.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "net/http_session.h"
#include "net/listen.h"

namespace apf::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr milliseconds kFarewell{500};

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
  host_.io = &io_;
  host_.gate = std::make_shared<Gate>(io_);
  host_.most_streams =
      std::min<std::size_t>(static_cast<std::size_t>(std::max(options.max_streams, 0)), most_ - most_ / 4);
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
  auto session = make_session(host_, std::move(fd), family_, tls(), std::move(peer));
  if (session == nullptr) return;
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
  host_.gate->close([this] { begin_stop(); });  // behind the answers that were sent before
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
