// Control groups, versions 1 and 2: what limits this process has by them, whether the kernel's out-of-memory killer
// struck in them, and a group of its own for a payload where we may make one (version 2, delegated to us).
//
// Sources: cgroup-v2.rst and cgroup-v1 of the kernel, proc(5). `root` stands before every path, for tests.
// Thread-safety: pure functions of what the files say.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apf/time.h"

namespace apf::wrapper {

struct Cgroup {
  int version = 0;                        // 2, 1 (limits of memory and CPU are there), 0: none found
  std::string memory, cpu, cpuset, pids;  // directories of our group in each hierarchy; empty: none
  std::string own;                        // of version 2, even when the limits are in version 1; empty: none
};
Cgroup find_cgroup(const std::string& root = "");

struct CgroupLimits {
  std::optional<std::int64_t> memory{};  // bytes, the least of our group and those above
  std::optional<std::int64_t> in_use{};  // bytes, of the group whose limit that is
  std::optional<double> cpus{};          // of CPU time a second
  std::string cpuset{};                  // "0-3,8"
  std::optional<std::int64_t> pids{};
};
CgroupLimits read_limits(const Cgroup& cgroup);

// How often the kernel killed for lack of memory in our group; empty: it does not tell.
std::optional<std::int64_t> oom_kills(const Cgroup& cgroup);

// A group of its own below ours, where the kernel lets us; else it is empty and does nothing.
class OwnCgroup {
 public:
  OwnCgroup(const Cgroup& parent, const std::string& name);
  OwnCgroup(const OwnCgroup&) = delete;
  OwnCgroup& operator=(const OwnCgroup&) = delete;
  ~OwnCgroup();

  [[nodiscard]] bool made() const { return !path_.empty(); }
  bool take(pid_t pid) const;  // moves a process into it; its children will be in it
  [[nodiscard]] std::vector<pid_t> members() const;
  void kill_all() const;  // SIGKILL to all at once (5.14), or to each

 private:
  std::string path_;
};

// Lines of /proc/self/cgroup: the path in the hierarchy of a controller ("" for version 2).
std::optional<std::string> cgroup_path(std::string_view lines, std::string_view controller);
// The number of CPUs in "0-3,8"; 0: it is not such a list.
int count_cpus(std::string_view list);

}  // namespace apf::wrapper
