#include "engine/random.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace apf::engine {
namespace {

std::vector<std::uint8_t> random_bytes(std::size_t n) {
  std::vector<std::uint8_t> bytes(n);
  std::size_t have = 0;
  while (have < n) {
    const ssize_t got = getrandom(bytes.data() + have, n - have, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::runtime_error("the kernel gives no random numbers");
    have += static_cast<std::size_t>(got);
  }
  return bytes;
}

template <class Bytes>
std::string hex(const Bytes& bytes, std::size_t n) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(n * 2);
  for (std::size_t i = 0; i < n; ++i) {
    text += digits[bytes[i] >> 4U];
    text += digits[bytes[i] & 15U];
  }
  return text;
}

}  // namespace

std::string random_hex(std::size_t bytes) { return hex(random_bytes(bytes), bytes); }

std::string random_name(std::size_t letters) {
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz012345";  // 32 letters: no bias
  std::string text;
  for (const std::uint8_t b : random_bytes(letters)) text += alphabet[text.empty() ? b % 26U : b % 32U];
  return text;
}

std::string report_key(std::string_view secret, std::string_view submission) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(submission.data());
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), data, submission.size(), digest.data(),
           &length) == nullptr)
    throw std::runtime_error("HMAC-SHA256 is not available");
  return hex(digest, length);
}

std::string key_digest(std::string_view key) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (EVP_Digest(key.data(), key.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available");
  return hex(digest, length);
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace apf::engine
