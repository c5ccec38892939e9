#include "wrapper/report/udp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "process/fd.h"

namespace apf::wrapper {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

template <class Ip>
Address made_of(const Ip& ip) {
  Address a{.size = sizeof ip};
  std::memcpy(&a.storage, &ip, sizeof ip);
  return a;
}

std::optional<Address> read_v4(const std::string& host, std::uint16_t port) {
  sockaddr_in ip{};
  ip.sin_family = AF_INET;
  ip.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &ip.sin_addr) != 1) return std::nullopt;
  return made_of(ip);
}

std::optional<Address> read_v6(const std::string& host, std::uint16_t port) {
  sockaddr_in6 ip{};
  ip.sin6_family = AF_INET6;
  ip.sin6_port = htons(port);
  if (::inet_pton(AF_INET6, host.c_str(), &ip.sin6_addr) != 1) return std::nullopt;
  return made_of(ip);
}

// "HOST:PORT" in its two parts; port 0: it is none.
struct Parts {
  std::string host;
  std::uint16_t port = 0;
};
Parts parts_of(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return {};
  Parts p{.host = text.substr(0, colon)};
  const char* end = text.data() + text.size();
  const auto r = std::from_chars(text.data() + colon + 1, end, p.port);
  return r.ec == std::errc{} && r.ptr == end ? p : Parts{};
}

std::optional<Address> read(const std::string& text) {
  const auto [host, port] = parts_of(text);
  if (port == 0) return std::nullopt;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return read_v6(host.substr(1, host.size() - 2), port);
  return read_v4(host, port);
}

// Digits and dots alone are a wrong address, not a name.
bool is_name(const std::string& host) {
  constexpr std::size_t longest = 253;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto fits = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'; };
  return host.size() <= longest && std::any_of(host.begin(), host.end(), letter) && host.front() != '-' &&
         std::all_of(host.begin(), host.end(), fits);
}

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string ce() {
  for (const char* name : {"GRID_GLOBAL_JOBHOST", "SCHEDD_NAME", "CONDORCE_COLLECTOR_HOST"})
    if (const std::string host = from_environment(name); !host.empty()) return host.substr(0, host.find(':'));
  return {};
}

}  // namespace

bool udp_address(const std::string& address) { return read(address).has_value(); }

std::string udp_name(const std::string& address) {
  const auto [host, port] = parts_of(address);
  return port != 0 && !read(address) && is_name(host) ? host : "";
}

std::string udp_found(const std::string& address, std::string_view getent) {
  const std::string port = std::to_string(parts_of(address).port);
  while (!getent.empty()) {
    const std::string_view line = getent.substr(0, getent.find('\n'));
    getent.remove_prefix(std::min(line.size() + 1, getent.size()));
    const std::string ip(line.substr(0, line.find_first_of(" \t")));
    for (const std::string& form : {ip + ":" + port, "[" + ip + "]:" + port})
      if (read(form)) return form;
  }
  return {};
}

void send_udp(const std::string& address, std::string_view datagram) {
  const auto to = read(address);
  if (!to) return;
  const process::Fd fd(::socket(to->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.open()) return;
  (void)::sendto(fd.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&to->storage), to->size);
}

protocol::PilotDatagram udp_words(const std::string& version, const std::string& queue) {
  protocol::PilotDatagram w;
  w.version = version;
  w.factory = from_environment("APFFID");
  w.cid = from_environment("APFCID");
  w.queue = queue;
  w.ce = ce();
  w.harvester = from_environment("HARVESTER_ID");
  w.worker = from_environment("HARVESTER_WORKER_ID");
  w.gtag = from_environment("GTAG");
  return w;
}

}  // namespace apf::wrapper
