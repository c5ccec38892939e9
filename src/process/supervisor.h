// Runs commands with a deadline. Children get their own process group, O_CLOEXEC everywhere else, capped output; at
// the deadline the group gets SIGTERM, after `grace` SIGKILL. Never waits for end-of-file: a grandchild may hold the
// pipe; what is in the pipes at the command's end is read, and background children of a command that ended by itself
// live on. No dependency on the rest of the project: the wrapper uses it too.
//
// The child starts with an empty signal mask and default dispositions; standard input is /dev/null or the given text.
// The program must not ignore SIGCHLD: the kernel would throw exit codes away.
//
// Thread-safety: run() may be called from any number of threads at a time.
#pragma once

#include <atomic>

#include "apf/context.h"

namespace apf::process {

struct Limits {
  Mono deadline;
  Duration grace = seconds{2};              // between SIGTERM and SIGKILL
  const std::atomic<bool>* stop = nullptr;  // set: end the command as at the deadline
  bool use_pidfd = true;                    // false: as on kernels before 5.3, for tests
};

// Kind::config "process.not_found" when the program does not exist or may not be run; Kind::transient
// "process.spawn_failed" for lack of resources or when the deadline has passed already; Kind::permanent with the same
// code when the arguments are longer than the system takes. A command that was started never gives an error.
// `output_cap` holds for standard output and standard error each.
Result<Finished> run(const Command& command, const Limits& limits);

}  // namespace apf::process
