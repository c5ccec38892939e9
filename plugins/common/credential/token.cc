#include "credential/token.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

namespace apf::credential {

bool stays_here(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  std::string_view host = url.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (host.starts_with("[::1]")) return host.size() == 5 || host[5] == ':';
  if (host.find('@') != std::string_view::npos) return false;
  host = host.substr(0, host.find(':'));
  in_addr v4{};
  return host == "localhost" ||
         (::inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24U) == 127);
}

bool is_token(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == 0x7f; });
}

}  // namespace apf::credential
