// A listening socket: TCP, or a Unix socket of mode 0600.
//
// Thread-safety: pure functions over the system.
#pragma once

#include <cstdint>
#include <string>

#include "apf/result.h"
#include "net/open_beneath.h"

namespace apf::net {

struct Listening {
  OwnedFd fd;
  std::uint16_t port = 0;  // of TCP: the one that was given
  int family = 0;
};

// Errors, all Kind::config: "net.address_in_use" (another program serves there), "net.cannot_listen".
Result<Listening> listen_tcp(const std::string& address, std::uint16_t port);
// Who is at the other end of a connection: "127.0.0.1", or "unix:1000" with the user id of the client's process.
std::string peer_name(int fd, int family);
// Has the other end gone? Also where something that it sent before waits to be read: TLS says goodbye.
bool hung_up(int fd);
// How many connections to take: at most half of the descriptors that this process may have.
std::size_t connection_limit(int configured);
// A socket file that nobody serves any more is replaced.
Result<Listening> listen_unix(const std::string& path);

}  // namespace apf::net
