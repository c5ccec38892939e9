#include "process/child.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <mutex>
#include <vector>

namespace apf::process {
namespace {

constexpr long kPidfdOpen = 434;  // the same number on every architecture; older headers lack SYS_pidfd_open

// Children in uninterruptible sleep survive even SIGKILL for a while (a dead NFS server). They are left here and
// reaped by whoever comes by, so that a hung mount costs a process but never a thread.
struct Orphanage {
  std::mutex mutex;
  std::vector<pid_t> pids;
};

Orphanage& orphanage() {
  static Orphanage o;
  return o;
}

pid_t wait_for(pid_t pid, int& status, int flags) {
  pid_t r = -1;
  do r = ::waitpid(pid, &status, flags);
  while (r < 0 && errno == EINTR);
  return r;
}

void reap_orphans() {
  Orphanage& o = orphanage();
  const std::lock_guard lock(o.mutex);
  std::erase_if(o.pids, [](pid_t pid) {
    int status = 0;
    return wait_for(pid, status, WNOHANG) != 0;
  });
}

}  // namespace

Child::Child(pid_t pid, bool use_pidfd) : pid_(pid) {
  if (use_pidfd) pidfd_ = Fd(static_cast<int>(::syscall(kPidfdOpen, pid, 0)));  // sets close-on-exec itself
  reap_orphans();
}

Child::~Child() {
  if (reaped_) return;
  if (ended()) {
    reap();
    return;
  }
  Orphanage& o = orphanage();
  const std::lock_guard lock(o.mutex);
  o.pids.push_back(pid_);
}

bool Child::ended() const {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return errno == ECHILD;
  return info.si_pid != 0;
}

void Child::signal_group(int signal) const { ::kill(-pid_, signal); }

int Child::reap() {
  int status = 0;
  const pid_t r = wait_for(pid_, status, 0);
  reaped_ = true;
  return r == pid_ ? status : -1;
}

}  // namespace apf::process
