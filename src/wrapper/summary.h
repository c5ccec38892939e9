// What a pilot did, for its last line, its exit code and its last report.
#pragma once

#include <cstdint>
#include <string>

#include "apf/time.h"

namespace apf::wrapper {

struct Summary {
  int rc = 0;
  std::string reason{};  // why the pilot ended: "no work", "lifetime", ...
  std::int64_t payloads = 0, failed = 0;
  Duration payload_wall{}, payload_cpu{};
};

}  // namespace apf::wrapper
