// Starts a child in a process group of its own (posix_spawn).
//
// Thread-safety: may be called from any number of threads at a time.
#pragma once

#include <sys/types.h>

#include "apf/context.h"

namespace apf::process {

// Descriptors that become 0, 1 and 2 of the child; in < 0: /dev/null.
struct Stdio {
  int in = -1, out = -1, err = -1;
};

// The child's pid is also its process group. Errors as in supervisor.h.
Result<pid_t> spawn(const Command& command, const Stdio& stdio);

}  // namespace apf::process
