// Shows whether the client of a submission (condor_submit, say) still runs, even when the factory that started it was
// killed (RULES R8): the client inherits a descriptor of <state_dir>/clients.lock with a lock on the submission's byte
// (an open file description lock, fcntl(2)), and the kernel lets the lock go when the last process that has it ends.
// Before an orphan has ended, looking its submission up proves nothing. One file for all: making a file for each
// submission cost more than all else that a submission does here, and the byte is never written.
//
// Thread-safety: an instance belongs to one call; running() may be called from any thread.
#pragma once

#include <string>

namespace apf::engine {

class ClientLock {
 public:
  // When the file can't be made (a full disk), there is no lock and fd() is -1: the submission goes on without.
  ClientLock(const std::string& state_dir, const std::string& submission);
  ClientLock(const ClientLock&) = delete;
  ClientLock& operator=(const ClientLock&) = delete;
  ~ClientLock();  // lets our descriptor go; a client that still runs keeps the lock

  [[nodiscard]] int fd() const { return fd_; }

  // Some process still has the lock.
  static bool running(const std::string& state_dir, const std::string& submission);
  // Kills the processes that still have the lock, this one apart; how many.
  static int kill_orphans(const std::string& state_dir, const std::string& submission);

 private:
  int fd_ = -1;
};

}  // namespace apf::engine
