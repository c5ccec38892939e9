#include "engine/client_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <filesystem>

#include "process/fd.h"

namespace apf::engine {
namespace {

namespace fs = std::filesystem;

// The same numbers on every architecture; older headers lack their names.
constexpr long kPidfdSendSignal = 424, kPidfdOpen = 434;

std::string folder(const std::string& state_dir) { return state_dir + "/clients"; }

// Some process has it locked. A file that nobody locks is removed.
bool locked(const std::string& file) {
  const int fd = open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  const bool free = flock(fd, LOCK_EX | LOCK_NB) == 0;
  if (free) unlink(file.c_str());
  close(fd);
  return !free;
}

bool has_open(const fs::path& process, const struct stat& file) {
  std::error_code gone;  // processes end while we look; those of others can't be looked at
  for (auto at = fs::directory_iterator(process / "fd", gone); !gone && at != fs::directory_iterator();
       at.increment(gone)) {
    struct stat other{};
    if (stat(at->path().c_str(), &other) == 0 && other.st_dev == file.st_dev && other.st_ino == file.st_ino)
      return true;
  }
  return false;
}

// Held by its handle before it is looked at, so that nobody else can get its number meanwhile.
bool kill_if_open(pid_t pid, const fs::path& process, const struct stat& file) {
  const process::Fd handle(static_cast<int>(syscall(kPidfdOpen, pid, 0)));
  return handle.get() >= 0 && has_open(process, file) &&
         syscall(kPidfdSendSignal, handle.get(), SIGKILL, nullptr, 0) == 0;
}

}  // namespace

ClientLock::ClientLock(const std::string& state_dir, const std::string& submission)
    : file_(folder(state_dir) + "/" + submission) {
  mkdir(folder(state_dir).c_str(), 0700);
  fd_ = open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ >= 0) flock(fd_, LOCK_SH);
}

ClientLock::~ClientLock() {
  if (fd_ < 0) return;
  close(fd_);
  locked(file_);  // removed when nobody has it any more; an orphan keeps the file, too
}

bool ClientLock::running(const std::string& state_dir, const std::string& submission) {
  return locked(folder(state_dir) + "/" + submission);
}

int ClientLock::kill_orphans(const std::string& state_dir, const std::string& submission) {
  struct stat file{};
  if (stat((folder(state_dir) + "/" + submission).c_str(), &file) != 0) return 0;
  int killed = 0;
  std::error_code error;
  for (auto at = fs::directory_iterator("/proc", error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    const std::string name = at->path().filename();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ptr != name.data() + name.size() || pid == getpid()) continue;
    if (kill_if_open(pid, at->path(), file)) ++killed;
  }
  return killed;
}

}  // namespace apf::engine
