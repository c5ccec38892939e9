// Runs commands with a deadline. Children get their own process group, O_CLOEXEC everywhere else, capped output; at
// the deadline the group gets SIGTERM, after `grace` SIGKILL. Never waits for end-of-file: a grandchild may hold the
// pipe. No dependency on the rest of the project: the wrapper uses it too.
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
};

// Kind::config "process.not_found" when the program does not exist or may not be run; Kind::transient
// "process.spawn_failed" for lack of resources. A command that was started never gives an error.
Result<Finished> run(const Command& command, const Limits& limits);

}  // namespace apf::process
