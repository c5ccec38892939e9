#include "monitor/logs/log_place.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "apf/loopback.h"
#include "net/open_beneath.h"
#include "net/url.h"

namespace apf::monitor {
namespace {

constexpr std::size_t kLongest = 4096;

// What servers may take for "..", "/" or the end of a name, whatever we take it for.
bool ambiguous(const std::string& path) {
  constexpr std::array odd{"%2e", "%2f", "%5c", "%00", "/../", "/./"};
  std::string low = path;
  std::transform(low.begin(), low.end(), low.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return low.ends_with("/..") ||
         std::any_of(odd.begin(), odd.end(), [&](const char* text) { return low.find(text) != std::string::npos; });
}

std::string origin_of(const net::Url& url) { return url.scheme + "://" + url.host + ":" + url.port; }

Result<net::Url> split(const std::string& text) {
  const auto bad = [&](const char* what) { return fail(Kind::permanent, "logs.bad_url", what, text.substr(0, 200)); };
  auto url = text.size() <= kLongest ? net::parse_url(text) : fail(Kind::permanent, "", "");
  if (!url || ambiguous(url->path)) return bad("this is not an address of a file");
  if (url->scheme != "http" && url->scheme != "https") return bad("only http and https are fetched");
  if (url->user) return bad("an address with a user's name is not fetched");
  return url;
}

bool below(const std::string& path, std::string folder) {
  if (!folder.ends_with('/')) folder += '/';
  return path.size() > folder.size() && path.starts_with(folder);
}

// Four or sixteen bytes; an IPv4 address within IPv6 is the IPv4 address.
std::string bytes_of(const std::string& address) {
  std::array<char, sizeof(in6_addr)> raw{};
  if (::inet_pton(AF_INET, address.c_str(), raw.data()) == 1) return {raw.data(), sizeof(in_addr)};
  const std::string no_zone = address.substr(0, address.find('%'));
  if (::inet_pton(AF_INET6, no_zone.c_str(), raw.data()) != 1) return {};
  in6_addr six{};
  std::memcpy(&six, raw.data(), sizeof six);
  return IN6_IS_ADDR_V4MAPPED(&six) ? std::string(raw.data() + 12, 4) : std::string(raw.data(), raw.size());
}

// An address of this host is one that a socket can be bound to.
bool ours(const std::string& bytes) {
  sockaddr_storage where{};
  socklen_t size = 0;
  if (bytes.size() == sizeof(in_addr)) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    std::memcpy(&four.sin_addr, bytes.data(), bytes.size());
    if (four.sin_addr.s_addr == INADDR_ANY) return false;
    std::memcpy(&where, &four, size = sizeof four);
  } else {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    std::memcpy(&six.sin6_addr, bytes.data(), sizeof six.sin6_addr);
    if (IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr) || IN6_IS_ADDR_MULTICAST(&six.sin6_addr)) return false;
    std::memcpy(&where, &six, size = sizeof six);
  }
  const net::OwnedFd fd(::socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd.get() >= 0 && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), size) == 0;
}

}  // namespace

Result<std::string> read_origin(const std::string& url) {
  auto parts = split(url);
  if (!parts)
    return fail(Kind::config, "logs.bad_origin", parts.error().what, url, "write it as https://logs.example.org:8443");
  return origin_of(*parts);
}

Result<LogPlace> find_log(const LogRule& rule, const std::string& url, const std::string& factory_url,
                          const std::string& factory_address) {
  const auto wanted = split(url);
  if (!wanted) return fail(wanted.error());
  LogPlace place{
      origin_of(*wanted) + wanted->path + (wanted->query.empty() ? "" : "?" + wanted->query), origin_of(*wanted), {}};
  if (std::find(rule.from.begin(), rule.from.end(), place.origin) != rule.from.end()) return place;
  const auto no = [&](const std::string& why) {
    return fail(
        Kind::permanent, "logs.not_allowed", why, url,
        fmt::format("open the link, or add \"{}\" to [logs] from of the monitor's configuration", place.origin));
  };
  if (!rule.factories) return no("files are fetched from the servers in [logs] from only");
  const auto home = split(factory_url);
  if (!home) return no("the factory has told no address of its logs");
  if (origin_of(*home) != place.origin || !below(wanted->path, home->path))
    return no("the file is not below " + origin_of(*home) + home->path + ", where the factory says that its logs are");
  if (bytes_of(factory_address).empty()) return no("it is not known which machine the factory runs on");
  place.machine = factory_address;
  return place;
}

bool same_machine(const std::string& address, const std::string& machine) {
  const std::string here = bytes_of(address), there = bytes_of(machine);
  if (here.empty() || there.empty()) return false;
  if (here == there) return true;
  return is_loopback(machine) && ours(here);
}

}  // namespace apf::monitor
