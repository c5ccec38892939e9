// Looks at directories that may hang (a dead NFS server, a broken CVMFS mount): a child process, `apf-wrapper --probe
// WHAT ...`, does it, and is given up at the deadline. A thread that hangs in the kernel could not be.
//
// Thread-safety: may be called from any number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "apf/result.h"
#include "apf/time.h"

namespace apf::wrapper::node {

constexpr const char* kProbeOption = "--probe";

struct Space {
  std::int64_t bytes = 0;
  std::int64_t files = -1;  // -1: the file system has no such limit, or does not tell
};
// Errors: "wrapper.probe": it hangs (Kind::transient), or what the system says (Kind::permanent).
// A file is made in the directory, written, read again and removed first: room without that is none.
Result<Space> room_in(const std::string& directory, Mono deadline);
// Lists it (this is what makes the automounter mount a repository); returns the number of entries.
Result<std::int64_t> list(const std::string& directory, Mono deadline);

// The child's side: prints what it sees; returns its exit code.
int probe(std::span<const std::string> arguments);

}  // namespace apf::wrapper::node
