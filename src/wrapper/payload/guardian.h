// The guardian: a small process between the pilot and its payload, `apf-wrapper --guard ...`. It exists so that a
// payload never outlives its pilot, its lease or its limits, whatever happens to the pilot:
//
//   - The pilot holds the write end of the guardian's standard input. However the pilot dies, kill -9 included, the
//     kernel closes that end and the guardian kills the payload.
//   - The guardian is a child subreaper: whatever a payload starts, daemons in sessions of their own too, stays below
//     it, is counted, and is killed when the payload ends. One payload leaves nothing behind for the next one.
//   - It knows the lease's deadline itself: a pilot that hangs or is stopped can't let a payload run on (RULES R12).
//   - The payload's first process asks for SIGKILL at the guardian's death (PR_SET_PDEATHSIG), and the pilot is a
//     subreaper too and sweeps up; so the guardian's own death is covered as well.
//   - Where the kernel lets it, the payload gets a cgroup of its own, which can be killed as a whole.
//   - What the payload writes is kept from filling the disk (disk_watch.h).
//   - It holds no secret: the pilot keeps token and keys in its own memory, which is closed to tracing.
//
// It ignores the signals a batch system sends to end a pilot; the pilot gets them and passes on what it wants.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apf/result.h"
#include "apf/time.h"
#include "wrapper/payload/disk_watch.h"

namespace apf::wrapper {

struct GuardSettings {
  std::string directory{};     // the payload's working directory
  std::string out{}, err{};    // files for its output
  std::string scratch{};       // removed when the pilot died: then nobody else does it
  Duration wall{};             // 0: no limit
  Duration cpu{};              // of all its processes; 0: no limit
  std::int64_t memory_kb = 0;  // of all its processes; 0: no limit
  Mono dead_by{};              // ns 0: no lease
  Duration grace = seconds{10};
  DiskLimits disk{};
  std::vector<std::string> argv{};
};

constexpr const char* kGuardOption = "--guard";
std::vector<std::string> guard_arguments(const GuardSettings& settings);  // without the program's name
Result<GuardSettings> read_guard_arguments(std::span<const std::string> arguments);

// The whole life of a guardian; returns its exit code.
int guard(const GuardSettings& settings);

}  // namespace apf::wrapper
