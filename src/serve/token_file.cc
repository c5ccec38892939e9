#include "serve/token_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "apf/files.h"
#include "serve/secret.h"

namespace apf::serve {
namespace {

tl::unexpected<Error> bad_file(const std::string& file, std::string what, std::string advice = {}) {
  return fail(Kind::config, "serve.bad_token_file", std::move(what), file, std::move(advice));
}

std::string why() { return std::error_code(errno, std::generic_category()).message(); }

}  // namespace

Result<std::string> make_token(const std::string& file) {
  auto token = random_secret();
  if (!token) return fail(std::move(token.error()));
  if (auto ok = replace_file(file, *token + "\n"); !ok) return fail(std::move(ok.error()));
  return token;
}

Result<std::string> read_token(const std::string& file) {
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return bad_file(file, "can't be read: " + why());
  struct stat st{};
  std::array<char, 512> text{};
  const bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
  const ssize_t n = regular ? read(fd, text.data(), text.size()) : -1;
  close(fd);
  if (n < 0) return bad_file(file, "is not a readable file");
  if ((st.st_mode & 077U) != 0) return bad_file(file, "others may read it", "chmod 600");
  std::string token(text.data(), static_cast<std::size_t>(n));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.size() < 32 || token.find_first_of(" \t\r\n") != std::string::npos)
    return bad_file(file, "holds no token of at least 32 characters", "remove it: a new one is made at the next start");
  return token;
}

Result<std::string> read_or_make_token(const std::string& file) {
  return access(file.c_str(), F_OK) == 0 ? read_token(file) : make_token(file);
}

}  // namespace apf::serve
