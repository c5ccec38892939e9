// For tests: a plain client socket that sends exactly what it is told, so that servers can be shown the unusual.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>

namespace apf::net::test {

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    begin(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  explicit RawClient(const std::string& unix_path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
    begin(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { hang_up(); }

  [[nodiscard]] bool connected() const { return connected_; }
  bool send(std::string_view text) const {
    while (!text.empty()) {
      const auto n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // All until the server closes.
  [[nodiscard]] std::string read_all() const {
    return read_while([](const std::string&) { return true; });
  }
  // Until `end` has come.
  [[nodiscard]] std::string read_until(std::string_view end) const {
    return read_while([end](const std::string& got) { return got.find(end) == std::string::npos; });
  }
  void hang_up() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void half_close() const { ::shutdown(fd_, SHUT_WR); }

 private:
  void begin(const sockaddr* address, socklen_t size) {
    connected_ = ::connect(fd_, address, size) == 0;
    const timeval patience{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  template <class More>
  [[nodiscard]] std::string read_while(More more) const {
    std::string got;
    std::array<char, 65536> piece{};
    while (more(got)) {
      const auto n = ::recv(fd_, piece.data(), piece.size(), 0);
      if (n <= 0) break;
      got.append(piece.data(), static_cast<std::size_t>(n));
    }
    return got;
  }
  int fd_ = -1;
  bool connected_ = false;
};

}  // namespace apf::net::test
