// What a pilot may tell of itself with the key of its submission. The key lies on a worker node, where a payload may
// find it: so it moves its own pilots forward, and nothing else.
//
// Thread-safety: pure functions.
#pragma once

#include "monitor/model.h"

namespace apf::monitor {

constexpr int kMostReports = 50;  // of a pilot

// Why `news`, which has a key, is not taken of this pilot; null: it is, and has lost what is not a pilot's to tell.
const char* check_report(const Pilot& pilot, PilotNews& news);

}  // namespace apf::monitor
