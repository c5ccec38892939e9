#include "engine/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace apf::engine {
namespace {

// The holder's process id, as it wrote it; empty when it has not come to that yet.
std::string holder(int fd) {
  std::array<char, 32> text{};
  const ssize_t n = pread(fd, text.data(), text.size() - 1, 0);
  std::string pid(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid;
}

std::string reason(int error) { return std::error_code(error, std::generic_category()).message(); }

}  // namespace

Status make_directories(const std::string& path, unsigned mode) {
  struct stat st{};
  if (stat(path.c_str(), &st) == 0) {
    if (S_ISDIR(st.st_mode)) return {};
    return fail(Kind::config, "engine.not_a_directory", "this is not a directory", path);
  }
  const auto slash = path.find_last_of('/');
  if (slash != std::string::npos && slash > 0)
    if (auto above = make_directories(path.substr(0, slash), 0755); !above) return above;
  if (mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0 || errno == EEXIST) return {};
  return fail(Kind::config, "engine.cannot_make_directory", "cannot make the directory: " + reason(errno), path,
              "make it by hand and give it to the factory's user");
}

Result<StateLock> StateLock::take(const std::string& state_dir) {
  if (auto made = make_directories(state_dir, 0700); !made) return fail(made.error());
  const std::string file = state_dir + "/lock";
  StateLock lock(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.fd_ < 0)
    return fail(Kind::config, "engine.state_dir_not_writable", "cannot write here: " + reason(errno), file,
                "the state directory must belong to the factory's user and its disk must be writable");
  if (flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    const std::string pid = holder(lock.fd_);
    return fail(
        Kind::config, "engine.locked",
        "another factory" + (pid.empty() ? std::string() : " (process " + pid + ")") + " uses this state directory",
        state_dir, "stop it first, or give this one a state_dir of its own");
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  // Only for the words of the error above: a full disk must not keep a factory from starting.
  if (ftruncate(lock.fd_, 0) == 0) std::ignore = pwrite(lock.fd_, pid.data(), pid.size(), 0);
  return lock;
}

StateLock::StateLock(StateLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
StateLock& StateLock::operator=(StateLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
StateLock::~StateLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace apf::engine
