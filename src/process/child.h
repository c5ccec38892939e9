// Watches one child until it has ended, without taking its exit status away before we are done with its group:
// as long as the child is not reaped, its pid, and so its process group's id, can't be given to anybody else.
//
// Thread-safety: a Child belongs to one thread at a time.
#pragma once

#include <sys/types.h>

#include "apf/time.h"
#include "process/fd.h"

namespace apf::process {

class Child {
 public:
  // Without pidfd (kernels before 5.3, or a sandbox that refuses the call) ended() has to be asked again and again.
  Child(pid_t pid, bool use_pidfd);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();  // a child that can't be reaped yet is left to later ones to reap

  [[nodiscard]] int pidfd() const { return pidfd_.get(); }  // becomes readable at the end; -1: there is none
  [[nodiscard]] bool ended() const;
  void signal_group(int signal) const;
  int reap();  // the status of waitpid; -1: not known. Only when ended.

 private:
  pid_t pid_;
  Fd pidfd_;
  bool reaped_ = false;
};

}  // namespace apf::process
