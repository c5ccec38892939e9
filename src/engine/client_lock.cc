#include "engine/client_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace apf::engine {
namespace {

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

}  // namespace apf::engine
