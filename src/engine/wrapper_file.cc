#include "engine/wrapper_file.h"

#include <openssl/evp.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <memory>

#include "net/http_client.h"

namespace apf::engine {

Result<std::string> file_sha256(const std::string& file) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::ifstream in(file, std::ios::binary);
  if (!in || !hash || EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr) != 1)
    return fail(Kind::config, "engine.wrapper_missing", "cannot read the wrapper that pilots are to run", file,
                "it is installed beside the program apf");
  std::array<char, 65536> chunk{};
  while (in.read(chunk.data(), chunk.size()) || in.gcount() > 0)
    EVP_DigestUpdate(hash.get(), chunk.data(), static_cast<std::size_t>(in.gcount()));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  EVP_DigestFinal_ex(hash.get(), digest.data(), &length);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) hex.append({digits[digest[i] >> 4U], digits[digest[i] & 15U]});
  return hex;
}

bool everybody_may_read(const std::string& file) {
  for (auto slash = file.find('/', 1); slash != std::string::npos; slash = file.find('/', slash + 1)) {
    struct stat st{};
    if (stat(file.substr(0, slash).c_str(), &st) != 0 || (st.st_mode & S_IXOTH) == 0) return false;
  }
  struct stat st{};
  return stat(file.c_str(), &st) == 0 && (st.st_mode & S_IROTH) != 0;
}

std::string wrapper_url(const std::string& file, const std::string& address) {
  const bool here = address.empty() || address.starts_with("127.") || address.starts_with("[::1]");
  if (!here || (!address.empty() && !everybody_may_read(file))) return "http://" + address + "/wrapper/apf-wrapper.tar.gz";
  std::string url = "file://";
  std::size_t from = 0;
  while (from < file.size()) {  // each part is escaped, the slashes stay
    const auto slash = file.find('/', from);
    url += net::percent_encode(file.substr(from, slash - from));
    if (slash == std::string::npos) break;
    url += '/';
    from = slash + 1;
  }
  return url;
}

}  // namespace apf::engine
