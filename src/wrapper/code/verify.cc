#include "wrapper/code/verify.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <optional>
#include <string_view>

#include "process/fd.h"

namespace apf::wrapper {
namespace {

constexpr const char* kRefused = "wrapper.refused_code";
constexpr std::size_t kSignatureBytes = 64;

// A file's bytes, mapped: they count as nobody's memory once looked at.
class Mapped {
 public:
  explicit Mapped(const std::string& file) {
    const process::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat st{};
    if (!fd.open() || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) return;
    size_ = static_cast<std::size_t>(st.st_size);
    readable_ = true;
    if (size_ == 0) return;
    data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    readable_ = data_ != MAP_FAILED;
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  ~Mapped() {
    if (size_ > 0 && readable_) ::munmap(data_, size_);
  }
  [[nodiscard]] bool readable() const { return readable_; }
  [[nodiscard]] const unsigned char* data() const {
    return size_ == 0 ? &kNothing : static_cast<unsigned char*>(data_);
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(data()), size_}; }

 private:
  static constexpr unsigned char kNothing = 0;
  void* data_ = nullptr;
  std::size_t size_ = 0;
  bool readable_ = false;
};

// No configuration file of the node has a say in what counts as right.
void begin_crypto() { OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr); }

std::string sha256_hex(const Mapped& file) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (EVP_Digest(file.data(), file.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) return "unknown";
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) hex.append({digits[digest.at(i) >> 4U], digits[digest.at(i) & 15U]});
  return hex;
}

std::optional<std::string> raw_signature(const std::string& text) {
  if (text.size() == kSignatureBytes) return text;
  std::string packed;
  std::copy_if(text.begin(), text.end(), std::back_inserter(packed),
               [](char c) { return std::isspace(static_cast<unsigned char>(c)) == 0; });
  auto bytes = from_base64(packed);
  if (!bytes || bytes->size() != kSignatureBytes) return std::nullopt;
  return bytes;
}

bool signed_by(const Mapped& file, const std::string& key, const std::string& signature) {
  const auto bytes = [](const std::string& s) { return reinterpret_cast<const unsigned char*>(s.data()); };
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pkey(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(key), key.size()), EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return pkey && context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), file.data(), file.size()) == 1;
}

std::string suspicion_of(const Mapped& file) {
  if (!file.readable()) return "it cannot be read";
  if (file.size() == 0) return "it is empty";
  std::string start(file.text().substr(0, 512));
  std::transform(start.begin(), start.end(), start.begin(), [](unsigned char c) { return std::tolower(c); });
  const std::size_t first = start.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  if (first == std::string::npos) return {};
  const std::string_view head = std::string_view(start).substr(first);
  for (const std::string_view sign : {"<!doctype html", "<html", "<head", "<body", "<?xml"})
    if (head.starts_with(sign)) return "it is an HTML page";
  return {};
}

tl::unexpected<Error> refused(std::string what, const Mapped& file) {
  if (const std::string also = suspicion_of(file); !also.empty()) what += " (" + also + ")";
  return fail(Kind::permanent, kRefused, std::move(what));
}

}  // namespace

std::string suspicion(const std::string& file) { return suspicion_of(Mapped(file)); }

Status verify(const std::string& file, const Check& check, const std::string& signature) {
  begin_crypto();
  const Mapped mapped(file);
  if (!mapped.readable()) return refused("it can't be checked", mapped);
  if (check.how == Check::How::sha256) {
    const std::string got = sha256_hex(mapped);
    if (got != check.value)
      return refused(
          "its SHA-256 is " + got + ", not " + check.value + ", of " + std::to_string(mapped.size()) + " bytes",
          mapped);
  }
  if (check.how == Check::How::ed25519) {
    const auto bytes = raw_signature(signature);
    if (!bytes) return refused("its signature is not 64 bytes", mapped);
    if (!signed_by(mapped, check.value, *bytes))
      return refused("its signature is not of the key that is trusted", mapped);
  }
  if (const std::string what = suspicion_of(mapped); !what.empty()) return fail(Kind::permanent, kRefused, what);
  return {};
}

}  // namespace apf::wrapper
