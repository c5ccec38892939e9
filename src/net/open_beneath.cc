#include "net/open_beneath.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace apf::net {

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}
OwnedFd::~OwnedFd() {
  if (fd_ >= 0) ::close(fd_);
}
int OwnedFd::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

Result<OwnedFd> open_beneath(const std::string& root, std::string_view path) {
  const auto missing = [] { return fail(Kind::permanent, "net.not_found", "there is no such file"); };
  constexpr int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;  // a FIFO must not hold us
  OwnedFd at(::open(root.c_str(), flags | O_DIRECTORY));
  if (at.get() < 0) return missing();
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    const std::string part(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part == ".." || part.find('\0') != std::string::npos) return missing();
    at = OwnedFd(::openat(at.get(), part.c_str(), flags | O_NOFOLLOW));
    if (at.get() < 0) return missing();
  }
  struct stat st{};
  if (::fstat(at.get(), &st) != 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) return missing();
  return at;
}

}  // namespace apf::net
