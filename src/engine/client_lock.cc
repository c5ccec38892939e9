#include "engine/client_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace apf::engine {
namespace {

std::string folder(const std::string& state_dir) { return state_dir + "/clients"; }

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
  // removed when nobody has it any more; an orphan keeps the file, too
  const auto slash = file_.find_last_of('/');
  running(file_.substr(0, file_.find_last_of('/', slash - 1)), file_.substr(slash + 1));
}

bool ClientLock::running(const std::string& state_dir, const std::string& submission) {
  const std::string file = folder(state_dir) + "/" + submission;
  const int fd = open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  const bool free = flock(fd, LOCK_EX | LOCK_NB) == 0;
  if (free) unlink(file.c_str());
  close(fd);
  return !free;
}

}  // namespace apf::engine
