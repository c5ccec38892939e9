#include "serve/secret.h"

#include <sys/random.h>

#include <array>

namespace apf::serve {

Result<std::string> random_secret() {
  std::array<unsigned char, 32> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return fail(Kind::transient, "secret.no_random", "the kernel gave no random numbers");
  std::string out;
  for (const unsigned char b : bytes) out += {"0123456789abcdef"[b >> 4U], "0123456789abcdef"[b & 15U]};
  return out;
}

bool same_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size() || a.empty()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto x = static_cast<unsigned char>(a[i]);
    const auto y = static_cast<unsigned char>(b[i]);
    difference |= static_cast<unsigned>(x ^ y);
  }
  return difference == 0;
}

}  // namespace apf::serve
