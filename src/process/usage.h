// What this process itself has used so far.
//
// Thread-safety: from any thread.
#pragma once

#include <cstdint>

namespace apf::process {

struct Usage {
  double cpu_seconds = 0;           // user and system, children apart
  std::int64_t resident_bytes = 0;  // 0: not known
};
Usage own_usage();

}  // namespace apf::process
