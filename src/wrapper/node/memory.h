// How much memory a payload can still have on this node: what the kernel says can be had, and what the cgroup leaves.
//
// Source: proc(5), meminfo. Thread-safety: pure functions but read_memory(), which reads /proc.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wrapper/payload/cgroup.h"

namespace apf::wrapper::node {

struct Memory {
  std::int64_t total = 0, available = 0, swap = 0;  // bytes; total 0: not told
};
Memory read_meminfo(std::string_view text);
Memory read_memory();

struct MemoryLeft {
  std::int64_t bytes = 0;
  const char* by = "";  // "of the node" or "of the cgroup": which of the two is less
};
// Page cache counts as the cgroup's use, although it can be given back: so a group may have more than is told here, and
// what is told is at least a fourth of its limit.
std::optional<MemoryLeft> memory_left(const Memory& memory, const CgroupLimits& limits);

}  // namespace apf::wrapper::node
