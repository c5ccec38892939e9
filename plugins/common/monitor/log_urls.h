// Where people read the logs of a pilot.
//
// Thread-safety: pure function.
#pragma once

#include <string>

#include "apf/monitor.h"

namespace apf::monitoring {

// The address of its logs without the last part: with ".out", ".err" or ".log" it is one. Empty: they are not served.
std::string log_urls(const FactoryIdentity& me, const PilotNote& note);

}  // namespace apf::monitoring
