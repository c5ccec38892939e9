#include "apf/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace apf {
namespace {

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool write_fresh(const std::string& path, std::string_view text, mode_t mode) {
  ::unlink(path.c_str());  // what a crash left: with a mode and an owner that are not ours
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return false;
  const bool written = ::fchmod(fd, mode) == 0 && write_all(fd, text) && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  return written;
}

}  // namespace

Status replace_file(const std::string& path, std::string_view text, mode_t mode) {
  const std::string fresh = path + ".new";
  if (write_fresh(fresh, text, mode) && std::rename(fresh.c_str(), path.c_str()) == 0) return {};
  const std::string why = std::error_code(errno, std::generic_category()).message();
  ::unlink(fresh.c_str());
  return fail(Kind::transient, "file.not_written", "can't be written: " + why, path,
              "its directory must be there, writable and with free space");
}

}  // namespace apf
