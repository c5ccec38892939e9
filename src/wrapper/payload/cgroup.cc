#include "wrapper/payload/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "process/fd.h"

namespace apf::wrapper {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t kUnlimited = std::int64_t{1} << 60U;  // version 1 says "no limit" by a number near 2^63
constexpr int kMostCpus = 1 << 20;

std::string read(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool exists(const std::string& path) {
  struct stat s{};
  return ::stat(path.c_str(), &s) == 0;
}

std::optional<std::int64_t> number(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::int64_t n = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
  if (r.ec != std::errc{} || r.ptr != text.data() + text.size()) return std::nullopt;
  return n;
}

std::optional<std::int64_t> limit_in(const std::string& file) {
  const auto n = number(read(file));
  if (!n || *n < 0 || *n >= kUnlimited) return std::nullopt;
  return n;
}

// "oom_kill 3" among other lines.
std::optional<std::int64_t> entry(const std::string& file, const std::string& name) {
  std::istringstream lines(read(file));
  std::string key;
  std::int64_t n = 0;
  while (lines >> key >> n)
    if (key == name) return n;
  return std::nullopt;
}

// The group's directory, or the top where the path is that of another namespace.
std::string directory(const std::string& top, const std::optional<std::string>& path) {
  if (!path || !exists(top)) return {};
  if (path->find("..") != std::string::npos || *path == "/" || !exists(top + *path)) return top;
  return top + *path;
}

// Calls `look` with the group's directory and those above it, up to the mount.
template <class F>
void upwards(std::string directory, F look) {
  for (; directory.size() > 1 && exists(directory + "/cgroup.procs"); directory = fs::path(directory).parent_path())
    look(directory);
}

void least(std::optional<std::int64_t>& so_far, const std::optional<std::int64_t>& n) {
  if (n && (!so_far || *n < *so_far)) so_far = n;
}

std::optional<double> quota(std::int64_t microseconds, std::int64_t period) {
  if (microseconds <= 0 || period <= 0) return std::nullopt;
  return static_cast<double>(microseconds) / static_cast<double>(period);
}

std::optional<double> cpus_of(const std::string& directory, int version) {
  if (version == 1)
    return quota(number(read(directory + "/cpu.cfs_quota_us")).value_or(-1),
                 number(read(directory + "/cpu.cfs_period_us")).value_or(-1));
  std::istringstream in(read(directory + "/cpu.max"));  // "max 100000" or "200000 100000"
  std::int64_t most = -1, period = -1;
  in >> most >> period;
  return quota(most, period);
}

}  // namespace

std::optional<std::string> cgroup_path(std::string_view lines, std::string_view controller) {
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos || line.substr(second + 1, 1) != "/") continue;
    std::string_view names = line.substr(first + 1, second - first - 1);
    for (bool more = true; more;) {
      const std::size_t comma = names.find(',');
      if (names.substr(0, comma) == controller) return std::string(line.substr(second + 1));
      more = comma != std::string_view::npos;
      if (more) names.remove_prefix(comma + 1);
    }
  }
  return std::nullopt;
}

int count_cpus(std::string_view list) {
  int count = 0;
  while (!list.empty() && list.back() == '\n') list.remove_suffix(1);
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view part = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    const std::size_t dash = part.find('-');
    const auto from = number(part.substr(0, dash));
    const auto to = dash == std::string_view::npos ? from : number(part.substr(dash + 1));
    if (!from || !to || *from < 0 || *to < *from || *to > kMostCpus) return 0;
    count += static_cast<int>(*to - *from + 1);
    if (count > kMostCpus) return 0;
  }
  return count;
}

Cgroup find_cgroup(const std::string& root) {
  const std::string lines = read(root + "/proc/self/cgroup");
  const std::string top = root + "/sys/fs/cgroup";
  Cgroup c;
  const bool unified = exists(top + "/cgroup.controllers");
  c.own = directory(unified ? top : top + "/unified", cgroup_path(lines, ""));
  if (unified) {
    c.version = c.own.empty() ? 0 : 2;
    c.memory = c.cpu = c.cpuset = c.pids = c.own;
    return c;
  }
  c.memory = directory(top + "/memory", cgroup_path(lines, "memory"));
  c.cpu = directory(top + "/cpu", cgroup_path(lines, "cpu"));
  c.cpuset = directory(top + "/cpuset", cgroup_path(lines, "cpuset"));
  c.pids = directory(top + "/pids", cgroup_path(lines, "pids"));
  c.version = c.memory.empty() && c.cpu.empty() ? 0 : 1;
  return c;
}

CgroupLimits read_limits(const Cgroup& c) {
  CgroupLimits limits;
  const bool two = c.version == 2;
  upwards(c.memory, [&](const std::string& d) {
    const auto limit = limit_in(d + (two ? "/memory.max" : "/memory.limit_in_bytes"));
    if (!limit || (limits.memory && *limits.memory <= *limit)) return;
    limits.memory = limit;
    limits.in_use = number(read(d + (two ? "/memory.current" : "/memory.usage_in_bytes")));
  });
  upwards(c.cpu, [&](const std::string& d) {
    const auto cpus = cpus_of(d, c.version);
    if (cpus && (!limits.cpus || *cpus < *limits.cpus)) limits.cpus = cpus;
  });
  upwards(c.pids, [&](const std::string& d) { least(limits.pids, limit_in(d + "/pids.max")); });
  if (!c.cpuset.empty()) {
    limits.cpuset = read(c.cpuset + (two ? "/cpuset.cpus.effective" : "/cpuset.cpus"));
    while (!limits.cpuset.empty() && limits.cpuset.back() == '\n') limits.cpuset.pop_back();
  }
  return limits;
}

std::optional<std::int64_t> oom_kills(const Cgroup& c) {
  if (c.memory.empty()) return std::nullopt;
  return entry(c.memory + (c.version == 2 ? "/memory.events" : "/memory.oom_control"), "oom_kill");
}

OwnCgroup::OwnCgroup(const Cgroup& parent, const std::string& name) {
  if (parent.own.empty()) return;
  const std::string path = parent.own + "/" + name;
  if (::mkdir(path.c_str(), 0755) == 0) path_ = path;
}

OwnCgroup::~OwnCgroup() {
  if (made()) ::rmdir(path_.c_str());
}

bool OwnCgroup::take(pid_t pid) const {
  if (!made()) return false;
  const process::Fd fd(::open((path_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  const std::string text = std::to_string(pid);
  return fd.open() && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::vector<pid_t> OwnCgroup::members() const {
  std::vector<pid_t> pids;
  if (!made()) return pids;
  std::ifstream in(path_ + "/cgroup.procs");
  for (pid_t pid = 0; in >> pid;) pids.push_back(pid);
  return pids;
}

void OwnCgroup::kill_all() const {
  if (!made()) return;
  const process::Fd fd(::open((path_ + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  if (fd.open() && ::write(fd.get(), "1", 1) == 1) return;
  for (const pid_t pid : members())
    if (pid > 1) ::kill(pid, SIGKILL);
}

}  // namespace apf::wrapper
