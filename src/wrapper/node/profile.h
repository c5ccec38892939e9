// What a node is, as one JSON object for the log and the monitor; docs/wrapper.md shows one.
//
// Sources: proc(5) (cpuinfo, meminfo, uptime), os-release(5), the kernel's documentation of cgroups and of
// /sys/bus/pci, and what NVIDIA's driver shows below /proc. `root` stands before every path, for tests. Thread-safety:
// pure functions of what the files say, and benchmark().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apf/time.h"

namespace apf::wrapper::node {

struct Cpu {
  std::string model;
  int logical = 0;  // processors the kernel shows
  int cores = 0;    // without hyperthreads; 0: not told
  int sockets = 0;
  double mhz = 0;
};
Cpu read_cpuinfo(std::string_view text);
std::string read_os_release(std::string_view text);  // PRETTY_NAME
std::vector<std::string> find_gpus(const std::string& root);

struct Benchmark {
  double loops = 0;  // million steps of a fixed mix of integer and floating point work in a second, on one core
  Duration took{};
};
// About a third of a second of one core; only before a pilot's first payload.
Benchmark benchmark();
// Is this pilot one of the sampled share? The same answer for the same pilot, whoever asks.
bool sampled(std::string_view pilot, double share);

std::string profile(const std::string& root, const std::optional<Benchmark>& measured);

}  // namespace apf::wrapper::node
