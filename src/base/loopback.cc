#include "apf/loopback.h"

#include <arpa/inet.h>

#include <string>

namespace apf {

bool is_loopback(std::string_view host) {
  in_addr v4{};
  return host == "localhost" || host == "::1" || host == "[::1]" ||
         (inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24U) == 127);
}

bool is_loopback_url(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  std::string_view host = url.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (host.find('@') != std::string_view::npos) return false;
  const std::size_t ipv6_end = host.find(']');
  const std::size_t port = host.find(':', ipv6_end == std::string_view::npos ? 0 : ipv6_end);
  return is_loopback(host.substr(0, port));
}

}  // namespace apf
