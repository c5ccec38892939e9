#include "files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace apf::local {
namespace {

std::atomic<StepHook> g_step_hook{nullptr};

Status write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("write", path);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Status remove_entry(int parent_fd, const char* name, const std::string& path);

Status empty_directory(int fd, const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd), ::closedir);
  if (!dir) return io_error("list", path);
  while (const dirent* entry = ::readdir(dir.get())) {  // NOLINT(concurrency-mt-unsafe): one stream, one thread
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (auto s = remove_entry(::dirfd(dir.get()), entry->d_name, path + "/" + entry->d_name); !s) return s;
  }
  return {};
}

// Names are resolved below an open directory, so a payload that swaps a directory for a link can't lead us out of it.
Status remove_entry(int parent_fd, const char* name, const std::string& path) {
  if (::unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return io_error("remove", path);
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  ::fchmodat(parent_fd, name, 0700, 0);  // a payload may have locked it
  Fd fd(::openat(parent_fd, name, flags));
  if (!fd) return io_error("open", path);
  if (auto s = empty_directory(fd.release(), path); !s) return s;
  if (::unlinkat(parent_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT) return io_error("remove", path);
  return {};
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) reset(other.release());
  return *this;
}

int Fd::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

void set_step_hook(StepHook hook) { g_step_hook = hook; }

void at_step(const char* step) {
  if (const StepHook hook = g_step_hook.load(std::memory_order_relaxed)) hook(step);
}

tl::unexpected<Error> io_error(std::string_view doing, const std::string& path) {
  const int error = errno;
  std::string advice;
  if (error == ENOSPC || error == EDQUOT) advice = "free space on this disk";
  if (error == EACCES || error == EROFS || error == EPERM) advice = "the factory's user needs to write here";
  char buffer[128] = "";
  const char* words = ::strerror_r(error, buffer, sizeof buffer);
  return fail(Kind::transient, "local.io", "cannot " + std::string(doing) + ": " + words, path, std::move(advice));
}

Status write_private(const std::string& path, std::string_view content, mode_t mode) {
  at_step("create");
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!fd) return io_error("create", path);
  if (auto s = write_all(fd.get(), content, path); !s) return s;
  at_step("sync");
  if (::fsync(fd.get()) != 0) return io_error("sync", path);
  return {};
}

Result<bool> write_first(const std::string& path, std::string_view content) {
  const std::string temporary = path + "." + std::to_string(::getpid()) + ".tmp";
  if (auto s = write_private(temporary, content); !s) {
    ::unlink(temporary.c_str());
    return fail(s.error());
  }
  at_step("link");
  const bool first = ::link(temporary.c_str(), path.c_str()) == 0;
  const int error = errno;
  at_step("unlink temporary");
  ::unlink(temporary.c_str());
  errno = error;
  if (!first && errno != EEXIST) return io_error("create", path);
  if (auto s = sync_directory(parent(path)); !s) return fail(s.error());
  return first;
}

Status sync_directory(const std::string& path) {
  at_step("sync directory");
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return io_error("open", path);
  if (::fsync(fd.get()) != 0) return io_error("sync", path);
  return {};
}

Status rename_durably(const std::string& from, const std::string& to) {
  at_step("rename");
  if (::rename(from.c_str(), to.c_str()) != 0) return io_error("rename to " + to, from);
  const std::string before = parent(from);
  const std::string after = parent(to);
  if (auto s = sync_directory(after); !s) return s;
  return before == after ? Status{} : sync_directory(before);
}

Result<std::string> read_file(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return io_error("open", path);
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("read", path);
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
  }
}

Status copy_private(const std::string& from, const std::string& to) {
  const auto content = read_file(from);
  if (!content) return fail(content.error());
  return write_private(to, *content);
}

Result<std::vector<std::string>> list(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), ::closedir);
  if (!dir) return io_error("list", directory);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(dir.get())) {  // NOLINT(concurrency-mt-unsafe): one stream, one thread
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return io_error("list", directory);
  std::sort(names.begin(), names.end());
  return names;
}

Status make_directories(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT || path.find('/') == std::string::npos || parent(path) == path) return io_error("create", path);
  if (auto s = make_directories(parent(path), mode); !s) return s;
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return io_error("create", path);
}

Status remove_tree(const std::string& path) { return remove_entry(AT_FDCWD, path.c_str(), path); }

std::string parent(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace apf::local
