// Processes that can be trusted: a pid means something only together with the process's start time and the boot it
// happened in, since the kernel gives pids out again.
//
// Thread-safety: stateless functions; Process is a plain value.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace apf::local {

struct Process {
  pid_t pid = 0;
  std::int64_t start = 0;  // clock ticks since boot, field 22 of /proc/PID/stat (proc(5))
};

// Random per boot: /proc/sys/kernel/random/boot_id.
std::string boot_id();
std::string host_name();
// The process that has this pid now; start 0: there is none, or it is a zombie.
Process look_up(pid_t pid);
// The very same process still runs (zombies do not).
bool alive(const Process& process);
// Signals the process only if it is the very same one. False: it is gone.
bool signal(const Process& process, int number);
// Signals its process group (its leader must be the very same process).
bool signal_group(const Process& leader, int number);

std::int64_t boottime_ns();
std::int64_t wall_ms();

}  // namespace apf::local
