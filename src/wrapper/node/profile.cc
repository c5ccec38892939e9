#include "wrapper/node/profile.h"

#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "protocol/json_value.h"
#include "wrapper/node/memory.h"
#include "wrapper/payload/cgroup.h"

namespace apf::wrapper::node {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
constexpr std::size_t kLongestWord = 200;
constexpr std::size_t kMostGpus = 32;

std::string read(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\n')) text.remove_suffix(1);
  return text;
}

// Lines "key : value".
template <class F>
void each_line(std::string_view text, char between, F take) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t at = line.find(between);
    if (at == std::string_view::npos) continue;
    take(trimmed(line.substr(0, at)), std::string(trimmed(line.substr(at + 1)).substr(0, kLongestWord)));
  }
}

std::vector<std::string> folders(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code e;
  for (fs::directory_iterator i(directory, e), end; !e && i != end; i.increment(e)) names.push_back(i->path().string());
  std::sort(names.begin(), names.end());
  return names;
}

json cgroup_json(const std::string& root) {
  const Cgroup c = find_cgroup(root);
  const CgroupLimits l = read_limits(c);
  json j = {{"version", c.version}};
  if (l.memory) j["memory"] = *l.memory;
  if (l.cpus) j["cpus"] = *l.cpus;
  if (l.pids) j["pids"] = *l.pids;
  if (!l.cpuset.empty()) j["cpuset"] = l.cpuset;
  return j;
}

int allowed_cpus() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

double one_minute_load(const std::string& root) { return std::strtod(read(root + "/proc/loadavg").c_str(), nullptr); }

}  // namespace

Cpu read_cpuinfo(std::string_view text) {
  Cpu cpu;
  std::string socket;
  std::set<std::string> sockets, cores;
  each_line(text, ':', [&](std::string_view key, const std::string& value) {
    if (key == "processor") ++cpu.logical;
    if (cpu.model.empty() && (key == "model name" || key == "cpu model" || key == "Model")) cpu.model = value;
    if (key == "physical id") sockets.insert(socket = value);
    if (key == "core id") cores.insert(socket + "/" + value);
    if (key == "cpu MHz") cpu.mhz = std::max(cpu.mhz, std::strtod(value.c_str(), nullptr));
  });
  cpu.cores = static_cast<int>(cores.size());
  cpu.sockets = static_cast<int>(sockets.size());
  return cpu;
}

std::string read_os_release(std::string_view text) {
  std::string name;
  each_line(text, '=', [&](std::string_view key, const std::string& value) {
    if (key == "PRETTY_NAME") name = value;
  });
  std::erase(name, '"');
  return name;
}

// By name where NVIDIA's driver tells it, else as PCI displays of vendors that make accelerators.
std::vector<std::string> find_gpus(const std::string& root) {
  std::vector<std::string> gpus;
  for (const std::string& folder : folders(root + "/proc/driver/nvidia/gpus"))
    each_line(read(folder + "/information"), ':', [&](std::string_view key, const std::string& value) {
      if (key == "Model") gpus.push_back(value);
    });
  for (const std::string& folder : folders(root + "/sys/bus/pci/devices")) {
    const std::string kind = read(folder + "/class");
    if (!kind.starts_with("0x0300") && !kind.starts_with("0x0302") && !kind.starts_with("0x0380")) continue;
    const std::string vendor(trimmed(read(folder + "/vendor")));
    if (vendor == "0x10de" && !gpus.empty()) continue;  // named above
    if (vendor != "0x10de" && vendor != "0x1002" && vendor != "0x8086") continue;
    const std::string device(trimmed(read(folder + "/device")));
    gpus.push_back("PCI " + vendor.substr(2) + ":" + (device.size() > 2 ? device.substr(2) : "?"));
  }
  gpus.resize(std::min(gpus.size(), kMostGpus));
  return gpus;
}

Benchmark benchmark() {
  constexpr Duration length = milliseconds{300};
  constexpr int batch = 100'000;
  Benchmark b;
  std::uint64_t x = 88172645463325252ULL;  // xorshift64 (Marsaglia 2003), whose steps depend on each other
  double sum = 0;
  const Mono began = mono_now();
  do {
    for (int i = 0; i < batch; ++i) {
      x ^= x << 13U;
      x ^= x >> 7U;
      x ^= x << 17U;
      sum = sum * 0.999 + static_cast<double>(x >> 11U) * 1e-16;
    }
    b.loops += batch;
    b.took = mono_now() - began;
  } while (b.took < length);
  volatile double kept = sum;  // else the compiler would find that nobody needs it
  (void)kept;
  b.loops /= std::chrono::duration<double>(b.took).count() * 1e6;
  return b;
}

// FNV-1a, its bits mixed once more (the finaliser of MurmurHash3), for short ids differ in their last byte only.
bool sampled(std::string_view pilot, double share) {
  std::uint64_t h = 14695981039346656037ULL;
  for (const char c : pilot) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  h = (h ^ h >> 33U) * 0xff51afd7ed558ccdULL;
  h = (h ^ h >> 33U) * 0xc4ceb9fe1a85ec53ULL;
  h ^= h >> 33U;
  return static_cast<double>(h >> 11U) * 0x1.0p-53 < share;
}

std::string profile(const std::string& root, const std::optional<Benchmark>& measured) {
  const Cpu cpu = read_cpuinfo(read(root + "/proc/cpuinfo"));
  const Memory memory = read_meminfo(read(root + "/proc/meminfo"));
  utsname u{};
  ::uname(&u);
  json j = {{"cpu", cpu.model},
            {"cores", cpu.cores},
            {"threads", cpu.logical},
            {"allowed", allowed_cpus()},
            {"sockets", cpu.sockets},
            {"mhz", cpu.mhz},
            {"memory", memory.total},
            {"available", memory.available},
            {"swap", memory.swap},
            {"load", one_minute_load(root)},
            {"uptime_s", std::strtoll(read(root + "/proc/uptime").c_str(), nullptr, 10)},
            {"kernel", u.release},
            {"arch", u.machine},
            {"os", read_os_release(read(root + "/etc/os-release"))},
            {"cgroup", cgroup_json(root)},
            {"gpus", find_gpus(root)}};
  if (measured) j["benchmark"] = {{"mloops", measured->loops}, {"took_ms", measured->took.count() / 1'000'000}};
  return protocol::json_value::dump(j);
}

}  // namespace apf::wrapper::node
