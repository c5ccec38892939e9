// What is asked of a node before anything runs on it; docs/wrapper.md, "Checks of the node".
//
// Thread-safety: plain values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "apf/time.h"

namespace apf::wrapper::node {

struct Options {
  // disk, memory, tmp, credential, wms, clock, monitor; those of the VO (cvmfs, container, scripts) are on when named.
  std::vector<std::string> checks{"disk", "memory", "tmp", "credential"};
  std::vector<std::string> lax;  // names of checks that only warn
  Duration deadline = seconds{30};
  std::map<std::string, Duration> deadlines;  // of single checks
  std::int64_t least_disk = 200'000'000;      // bytes free where the scratch directory is made
  std::int64_t least_tmp = 10'000'000;        // bytes free in /tmp
  std::int64_t least_memory = 100'000'000;    // bytes that a payload may still take
  Duration clock_tolerance = seconds{120};    // against the WMS's Date header
  Duration credential_life = seconds{600};    // what token and proxy must still have
  std::vector<std::string> cvmfs;             // repositories, "atlas.cern.ch"
  std::string cvmfs_base = "/cvmfs";          // where they are mounted
  std::vector<std::string> containers;        // container runtimes, any one of which will do
  std::vector<std::string> scripts;           // of the VO, in order
  Duration keep_slot{};                       // how long a node that failed keeps its slot (R11); 0: not at all
  bool profile = true;                        // tell what the node is
  double benchmark_share = 0.01;              // of pilots that measure their node's CPU
  bool dump_environment = true;               // into the log, secrets masked
};

}  // namespace apf::wrapper::node
