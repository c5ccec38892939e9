// What runs below a process, from /proc: a payload's use of memory and CPU, and what it left behind.
//
// Thread-safety: pure functions and reads of /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apf/time.h"

namespace apf::wrapper {

struct ProcessStat {
  pid_t pid = 0, parent = 0;
  pid_t session = 0;
  char state = '?';
  Duration cpu{};  // of itself and of the children it has waited for
  std::int64_t rss_kb = 0;
  std::string name{};  // of the program, at most 15 bytes, any bytes
};

// A line of /proc/PID/stat (proc(5)). Empty: not one.
std::optional<ProcessStat> parse_stat(std::string_view line);

// All processes below `root`, without it; zombies included.
std::vector<ProcessStat> descendants(pid_t root);

// Memory that shared pages are counted once for (PSS), in kB; empty where the kernel does not tell (before 4.14).
std::optional<std::int64_t> fair_memory_kb(const std::vector<ProcessStat>& processes);

// Kills and reaps children of this process until none is left: their own children come to us while this process is a
// child subreaper, so everything below goes. False: some are still there after `patience` (uninterruptible sleep).
bool sweep_children(Duration patience);

}  // namespace apf::wrapper
