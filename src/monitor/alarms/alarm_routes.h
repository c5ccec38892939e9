// The HTTP side of alarms.h. `monitor_url` goes into tickets; it may be empty.
//
// Thread-safety: before the server starts.
#pragma once

#include <string>

#include "monitor/access/access.h"
#include "monitor/alarms/alarms.h"
#include "monitor/router.h"

namespace apf::monitor {

void add_alarm_routes(Router& router, Alarms& alarms, Access& access, const std::string& monitor_url);

}  // namespace apf::monitor
