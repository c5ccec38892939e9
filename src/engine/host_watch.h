// What the submit host has left (R13): disk and inodes of the state and log directories, memory.
//
// Thread-safety: pure functions of the host.
#pragma once

#include <string>
#include <vector>

#include "core/event.h"

namespace apf::engine {

// The least over all directories; a directory that can't be asked counts as empty of space.
core::HostSeen look_at_host(const std::vector<std::string>& directories);
// MemAvailable of /proc/meminfo in bytes; the largest number when it is not told.
std::int64_t available_memory(const std::string& meminfo);

}  // namespace apf::engine
