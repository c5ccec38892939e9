#include "engine/wrapper_store.h"

#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "net/http_client.h"

namespace apf::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kKept = 10;

std::string file_url(const std::string& file) {
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

void remove_oldest(const std::string& directory) {
  std::error_code e;
  std::vector<std::pair<fs::file_time_type, fs::path>> kept;
  for (const auto& entry : fs::directory_iterator(directory, e))
    kept.emplace_back(entry.last_write_time(e), entry.path());
  std::sort(kept.rbegin(), kept.rend());
  for (std::size_t i = kKept; i < kept.size(); ++i) fs::remove(kept[i].second, e);
}

}  // namespace

Result<std::string> file_sha256(const std::string& file) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::ifstream in(file, std::ios::binary);
  if (!in || !hash || EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr) != 1)
    return fail(Kind::config, "engine.wrapper_missing", "cannot read the wrapper that pilots are to run", file,
                "it is installed beside the program apf, or named in [factory]");
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

std::string wrapper_directory(const std::string& state_dir) { return state_dir + "/wrappers"; }

Result<std::string> keep_wrapper(const std::string& file, const std::string& directory) {
  if (const auto readable = file_sha256(file); !readable) return readable;
  std::error_code e;
  fs::create_directories(directory, e);
  // The copy is what is hashed: the file may be replaced while it is read.
  const std::string copy = directory + "/new";
  fs::copy_file(file, copy, fs::copy_options::overwrite_existing, e);
  if (e) return fail(Kind::transient, "engine.wrapper_not_kept", "the wrapper can't be copied: " + e.message(), copy);
  auto sum = file_sha256(copy);
  if (!sum) return sum;
  fs::last_write_time(copy, fs::file_time_type::clock::now(), e);
  fs::rename(copy, directory + "/" + *sum + ".tar.gz", e);
  if (e) return fail(Kind::transient, "engine.wrapper_not_kept", "the wrapper can't be kept: " + e.message(), copy);
  remove_oldest(directory);
  return sum;
}

std::string wrapper_urls(const std::string& file, const std::string& sha256, const std::string& address) {
  const bool here = address.empty() || address.starts_with("127.") || address.starts_with("[::1]");
  std::string served = address.empty() ? "" : "http://" + address + "/wrapper/" + sha256 + ".tar.gz";
  if (served.empty()) return file_url(file);
  if (!here || !everybody_may_read(file)) return served;
  return file_url(file) + "," + served;
}

}  // namespace apf::engine
