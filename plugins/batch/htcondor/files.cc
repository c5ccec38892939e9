#include "files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace apf::batch_htcondor {
tl::unexpected<Error> spool_failed(std::string_view what, const std::string& path, int error) {
  return fail(Kind::transient, "htcondor.spool", fmt::format("{}: {}", what, std::generic_category().message(error)),
              path, "nothing was submitted; see that the directory exists, is writable and has space");
}

Status make_directory(const std::string& path, mode_t mode, const htcondor::Account& account) {
  int made = ::mkdir(path.c_str(), mode);
  if (made != 0 && errno == ENOENT) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    if (error) return spool_failed("can't make its parents", path, error.value());
    made = ::mkdir(path.c_str(), mode);
  }
  if (made != 0) return errno == EEXIST ? Status{} : Status{spool_failed("can't make it", path, errno)};
  if (account.foreign() && ::chown(path.c_str(), account.uid, account.gid) != 0)
    return spool_failed("can't hand it over", path, errno);
  return {};
}

Status write_file(const std::string& path, std::string_view content, const htcondor::Account& account) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return spool_failed("can't write", path, errno);
  bool ok = !account.foreign() || ::fchown(fd, account.uid, account.gid) == 0;
  while (ok && !content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) content.remove_prefix(static_cast<std::size_t>(n));
  }
  const int error = errno;
  ::close(fd);
  if (!ok) return spool_failed("can't write", path, error);
  return {};
}

Status replace_file(const std::string& path, std::string_view content, const htcondor::Account& account) {
  const std::string fresh = path + ".new";
  if (auto ok = write_file(fresh, content, account); !ok) return ok;
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return spool_failed("can't replace", path, errno);
  return {};
}

}  // namespace apf::batch_htcondor
