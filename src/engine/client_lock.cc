#include "engine/client_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "process/fd.h"

namespace apf::engine {
namespace {

namespace fs = std::filesystem;

// The same numbers on every architecture; older headers lack their names.
constexpr long kPidfdSendSignal = 424, kPidfdOpen = 434;

std::string file_of(const std::string& state_dir) { return state_dir + "/clients.lock"; }

// The byte of a submission (FNV-1a: the same in every run and build). That two which are open at once share one is as
// good as impossible, and would only make one wait for the other.
off_t byte_of(std::string_view submission) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const unsigned char c : submission) hash = (hash ^ c) * 0x100000001b3U;
  return static_cast<off_t>(hash >> 2U);
}

struct flock lock_on(std::string_view submission) {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte_of(submission);
  lock.l_len = 1;
  return lock;
}

// A line of /proc/PID/fdinfo/FD: "lock: 1: OFDLCK ADVISORY WRITE -1 fd:01:4711 FIRST LAST".
bool shows_lock(const fs::path& fdinfo, off_t byte) {
  std::ifstream in(fdinfo);
  std::string line;
  while (std::getline(in, line)) {
    if (!line.starts_with("lock:") || line.find("OFDLCK") == std::string::npos) continue;
    if (line.ends_with(fmt::format(" {0} {0}", byte))) return true;
  }
  return false;
}

bool has_lock(const fs::path& process, const struct stat& file, off_t byte) {
  std::error_code gone;  // processes end while we look; those of others can't be looked at
  for (auto at = fs::directory_iterator(process / "fd", gone); !gone && at != fs::directory_iterator();
       at.increment(gone)) {
    struct stat other{};
    if (stat(at->path().c_str(), &other) == 0 && other.st_dev == file.st_dev && other.st_ino == file.st_ino &&
        shows_lock(process / "fdinfo" / at->path().filename(), byte))
      return true;
  }
  return false;
}

// Held by its handle before it is looked at, so that nobody else can get its number meanwhile.
bool kill_if_locking(pid_t pid, const fs::path& process, const struct stat& file, off_t byte) {
  const process::Fd handle(static_cast<int>(syscall(kPidfdOpen, pid, 0)));
  return handle.get() >= 0 && has_lock(process, file, byte) &&
         syscall(kPidfdSendSignal, handle.get(), SIGKILL, nullptr, 0) == 0;
}

}  // namespace

ClientLock::ClientLock(const std::string& state_dir, const std::string& submission)
    : fd_(open(file_of(state_dir).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  auto lock = lock_on(submission);
  if (fd_ >= 0) fcntl(fd_, F_OFD_SETLK, &lock);
}

ClientLock::~ClientLock() {
  if (fd_ >= 0) close(fd_);
}

bool ClientLock::running(const std::string& state_dir, const std::string& submission) {
  const process::Fd fd(open(file_of(state_dir).c_str(), O_RDWR | O_CLOEXEC));
  auto lock = lock_on(submission);
  return fd.get() >= 0 && fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

int ClientLock::kill_orphans(const std::string& state_dir, const std::string& submission) {
  struct stat file{};
  if (stat(file_of(state_dir).c_str(), &file) != 0) return 0;
  int killed = 0;
  std::error_code error;
  for (auto at = fs::directory_iterator("/proc", error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    const std::string name = at->path().filename();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ptr != name.data() + name.size() || pid == getpid()) continue;
    if (kill_if_locking(pid, at->path(), file, byte_of(submission))) ++killed;
  }
  return killed;
}

}  // namespace apf::engine
