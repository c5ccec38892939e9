#include "serve/address.h"

#include <unistd.h>

#include <array>
#include <charconv>

namespace apf::serve {

Result<net::ServerOptions> read_address(const std::string& listen, const std::string& option) {
  const auto wrong = fail(Kind::config, "config.bad_address", "'" + listen + "' is no address to listen at", option,
                          "write HOST:PORT, as in 127.0.0.1:25880 or [::1]:0");
  const auto colon = listen.rfind(':');
  if (colon == std::string::npos || colon == 0) return wrong;
  net::ServerOptions options;
  options.address = listen.substr(0, colon);
  const bool bracketed = options.address.front() == '[' && options.address.back() == ']';
  if (bracketed) options.address = options.address.substr(1, options.address.size() - 2);
  if (options.address.empty() || (!bracketed && options.address.find(':') != std::string::npos)) return wrong;
  const char* end = listen.data() + listen.size();
  const auto [stop, error] = std::from_chars(listen.data() + colon + 1, end, options.port);
  if (error != std::errc() || stop != end) return wrong;
  return options;
}

std::string url_base(const std::string& address, std::uint16_t port) {
  std::string host = address;
  if (host == "0.0.0.0" || host == "::") {
    std::array<char, 256> name{};
    host = gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
  } else if (host.find(':') != std::string::npos) {
    host = "[" + host + "]";
  }
  return host + ":" + std::to_string(port);
}

}  // namespace apf::serve
