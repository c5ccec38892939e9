#include "engine/host_watch.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

namespace apf::engine {

std::int64_t available_memory(const std::string& meminfo) {
  std::istringstream lines(meminfo);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    std::int64_t kib = 0;
    if (words >> name >> kib && name == "MemAvailable:") return kib * 1024;
  }
  return std::numeric_limits<std::int64_t>::max();
}

core::HostSeen look_at_host(const std::vector<std::string>& directories) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  core::HostSeen seen{kMost, kMost, kMost};
  for (const auto& directory : directories) {
    struct statvfs fs{};
    if (statvfs(directory.c_str(), &fs) != 0) fs = {};
    const bool counts_inodes = fs.f_files > 0 || fs.f_blocks == 0;  // btrfs and others tell 0 of 0
    seen.free_disk = std::min(seen.free_disk, static_cast<std::int64_t>(fs.f_bavail * fs.f_frsize));
    if (counts_inodes) seen.free_inodes = std::min(seen.free_inodes, static_cast<std::int64_t>(fs.f_favail));
  }
  std::ifstream meminfo("/proc/meminfo");
  std::ostringstream text;
  text << meminfo.rdbuf();
  seen.free_memory = available_memory(text.str());
  return seen;
}

}  // namespace apf::engine
