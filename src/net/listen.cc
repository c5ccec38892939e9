#include "net/listen.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace apf::net {
namespace {

constexpr int kBacklog = 1024;

std::string words(int reason) { return std::error_code(reason, std::generic_category()).message(); }

tl::unexpected<Error> in_use(const std::string& where) {
  return fail(Kind::config, "net.address_in_use", "another program serves at this address already", where,
              "stop that program (ss -ltnp shows it) or configure another address");
}

tl::unexpected<Error> cannot_listen(const std::string& what, const std::string& where) {
  return fail(Kind::config, "net.cannot_listen", "can't serve at this address: " + what, where,
              "configure an address of this host that this user may use");
}

tl::unexpected<Error> failed(int reason, const std::string& where) {
  return reason == EADDRINUSE ? in_use(where) : cannot_listen(words(reason), where);
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(Kind::config, "net.cannot_listen",
                fmt::format("the path of a Unix socket may have {} bytes, this one has {}", sizeof address.sun_path - 1,
                            path.size()),
                path, "choose a shorter state directory");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// Whether a program answers at the socket file. Only a refused connection proves that it is left over.
bool is_stale(const sockaddr_un& address) {
  const OwnedFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) return false;
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return false;
  return errno == ECONNREFUSED;
}

Status make_room(const std::string& path, const sockaddr_un& address) {
  struct stat st{};
  if (::lstat(path.c_str(), &st) != 0) return {};
  if (!S_ISSOCK(st.st_mode)) return cannot_listen("a file that is no socket lies there", path);
  if (!is_stale(address)) return in_use(path);
  ::unlink(path.c_str());
  return {};
}

}  // namespace

Result<Listening> listen_tcp(const std::string& address, std::uint16_t port) {
  const auto where = fmt::format("{}:{}", address.find(':') == std::string::npos ? address : "[" + address + "]", port);
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int rc = ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found); rc != 0) {
    return cannot_listen(gai_strerror(rc), where);
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  OwnedFd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return failed(errno, where);
  const int on = 1;  // a restart must not wait for the connections of the one before
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0) return failed(errno, where);
  if (::listen(fd.get(), kBacklog) != 0) return failed(errno, where);
  const auto given = bound_port(fd.get());
  return Listening{std::move(fd), given, found->ai_family};
}

Result<Listening> listen_unix(const std::string& path) {
  auto address = unix_address(path);
  if (!address) return fail(address.error());
  if (auto s = make_room(path, *address); !s) return fail(s.error());
  OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return failed(errno, path);
  ::fchmod(fd.get(), 0600);  // Linux makes the socket file with this mode: at no moment is it open to others
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) return failed(errno, path);
  ::chmod(path.c_str(), 0600);
  if (::listen(fd.get(), kBacklog) != 0) return failed(errno, path);
  return Listening{std::move(fd), 0, AF_UNIX};
}

std::string peer_name(int fd, int family) {
  if (family == AF_UNIX) {
    ucred client{};
    socklen_t length = sizeof client;
    const bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client, &length) == 0;
    return known ? fmt::format("unix:{}", client.uid) : "unix";
  }
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, NI_MAXHOST> text{};
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  if (::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) != 0) {
    return {};
  }
  return text.data();
}

bool hung_up(int fd) {
  char byte = 0;
  const auto n = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  pollfd state{fd, POLLRDHUP, 0};
  if (n > 0) return ::poll(&state, 1, 0) == 1 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  return n == 0 || (errno != EAGAIN && errno != EINTR);
}

std::size_t connection_limit(int configured) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::size_t>(static_cast<std::size_t>(std::max(configured, 1)),
                               std::max<std::size_t>(limit.rlim_cur / 2, 1));
}

}  // namespace apf::net
