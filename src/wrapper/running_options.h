// What holds while a payload runs, whatever the plug-in, and how the pilot speaks of itself; docs/wrapper.md, "Limits".
//
// Thread-safety: plain values.
#pragma once

#include <cstdint>
#include <string>

#include "apf/time.h"

namespace apf::wrapper {

struct RunningOptions {
  bool telling_exit = false;  // exit codes also tell "no work" and "payload failed"
};

}  // namespace apf::wrapper
