#include "monitor/access/networks.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace apf::monitor {
namespace {

using Bits = std::array<std::uint8_t, 16>;
constexpr unsigned kMapped = 96;  // bits before an IPv4 address in the form of IPv6

std::optional<Bits> read_address(std::string_view text, bool& v4) {
  const std::string address(text);
  Bits bits{};
  in_addr ip4{};
  v4 = ::inet_pton(AF_INET, address.c_str(), &ip4) == 1;
  if (v4) {
    bits[10] = bits[11] = 0xff;
    std::memcpy(&bits[12], &ip4, 4);
    return bits;
  }
  if (::inet_pton(AF_INET6, address.c_str(), bits.data()) != 1) return std::nullopt;
  return bits;
}

bool same(const Bits& a, const Bits& b, unsigned length) {
  const unsigned whole = length / 8, rest = length % 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00U >> rest);
  return (a.at(whole) & mask) == (b.at(whole) & mask);
}

}  // namespace

Result<Networks> Networks::read(std::span<const std::string> texts, const std::string& option) {
  Networks networks;
  for (const std::string& text : texts) {
    const auto wrong = [&] {
      return fail(Kind::config, "access.bad_network", "'" + text + "' is not a network", option,
                  "write 10.0.0.0/8 or 2001:db8::/32");
    };
    const std::size_t slash = text.find('/');
    bool v4 = false;
    const auto bits = read_address(std::string_view(text).substr(0, slash), v4);
    if (!bits) return wrong();
    unsigned length = v4 ? 32 : 128;
    const unsigned most = length;
    if (slash != std::string::npos) {
      const auto r = std::from_chars(text.data() + slash + 1, text.data() + text.size(), length);
      if (r.ec != std::errc{} || r.ptr != text.data() + text.size() || length > most) return wrong();
    }
    networks.all_.push_back({*bits, v4 ? length + kMapped : length});
  }
  return networks;
}

bool Networks::holds(std::string_view address) const {
  bool v4 = false;
  const auto bits = read_address(address, v4);
  return bits && std::any_of(all_.begin(), all_.end(), [&](const One& n) { return same(n.bits, *bits, n.length); });
}

}  // namespace apf::monitor
