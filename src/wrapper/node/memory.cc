#include "wrapper/node/memory.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace apf::wrapper::node {

Memory read_meminfo(std::string_view text) {
  Memory m;
  std::int64_t cached = 0;
  bool told = false;  // MemAvailable is younger than 3.14
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::string key;
    std::int64_t kb = 0;
    if (!(in >> key >> kb) || kb < 0 || kb > std::int64_t{1} << 40U) continue;
    const std::int64_t bytes = kb * 1024;
    if (key == "MemTotal:") m.total = bytes;
    if (key == "SwapTotal:") m.swap = bytes;
    if (key == "MemFree:" || key == "Buffers:" || key == "Cached:") cached += bytes;
    if (key == "MemAvailable:") {
      m.available = bytes;
      told = true;
    }
  }
  if (!told) m.available = cached;
  return m;
}

Memory read_memory() {
  std::ifstream in("/proc/meminfo");
  return read_meminfo(std::string{std::istreambuf_iterator<char>(in), {}});
}

std::optional<MemoryLeft> memory_left(const Memory& memory, const CgroupLimits& limits) {
  if (memory.total == 0) return std::nullopt;
  MemoryLeft left{memory.available, "of the node"};
  if (!limits.memory) return left;
  const std::int64_t in_group = std::max(*limits.memory - limits.in_use.value_or(0), *limits.memory / 4);
  if (in_group < left.bytes) left = {in_group, "of the cgroup"};
  return left;
}

}  // namespace apf::wrapper::node
