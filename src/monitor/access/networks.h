// Networks as people write them: "10.0.0.0/8", "2001:db8::/32", "127.0.0.1".
//
// Thread-safety: plain values.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"

namespace apf::monitor {

class Networks {
 public:
  // Error (config): "access.bad_network".
  static Result<Networks> read(std::span<const std::string> texts, const std::string& option);
  // A numeric address; an IPv4 address in the form ::ffff:a.b.c.d is the IPv4 address. Anything else is in none.
  [[nodiscard]] bool holds(std::string_view address) const;

 private:
  struct One {
    std::array<std::uint8_t, 16> bits{};
    unsigned length = 0;  // of the prefix, in the form of IPv6
  };
  std::vector<One> all_;
};

}  // namespace apf::monitor
