// What holds while a payload runs, whatever the plug-in, and how the pilot speaks of itself; docs/wrapper.md, "Limits".
//
// Thread-safety: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "apf/time.h"

namespace apf::wrapper {

struct RunningOptions {
  Duration most_wall{};                      // of a payload; 0: only what its job says
  std::int64_t most_memory = 0;              // bytes of a payload's processes together; 0: only what its job says
  std::optional<Duration> stuck{};           // neither output nor heartbeat for so long: it is ended; 0: never
  std::int64_t most_output = 1'000'000'000;  // bytes that each of a payload's two streams may take on the disk
  std::int64_t most_scratch = 0;             // bytes in a payload's directory; 0: no limit
  std::int64_t least_free = 20'000'000;      // a payload that fills the disk is ended before less than this is free
  std::string udp{};          // "monitor.example.org:28527": datagrams in the form of today's pilot-wrapper
  bool telling_exit = false;  // exit codes also tell "no work" and "payload failed"
};

}  // namespace apf::wrapper
