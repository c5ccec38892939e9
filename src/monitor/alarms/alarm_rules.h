// The rules by which the monitor finds what is wrong. Pure: figures in, findings out; alarm_book.h remembers.
//
// Thread-safety: pure function.
#pragma once

#include <vector>

#include "monitor/alarms/alarm.h"
#include "monitor/figures.h"

namespace apf::monitor {

// Each number is an option of [alarms] (settings of alarm_options.h), with these defaults.
struct AlarmLimits {
  Duration silent = seconds{900};
  Duration forgotten = seconds{7 * 86400};  // a factory that has been silent for longer was taken away
  Duration no_start = seconds{3600};
  std::int64_t waiting = 5;      // label.no_start: at least so many pilots wait
  double fault_ratio = 0.5;      // of pilots that ended within an hour
  double held_ratio = 0.3;       // of pilots that started or ended without having run, within an hour
  std::int64_t least = 20;       // for a ratio: at least so many pilots
  std::int64_t node_faults = 4;  // in a row on one node, within an hour
  Duration credential = seconds{86400};
};

// `began`: since when this monitor listens; what it did not hear before is nobody's silence.
std::vector<Finding> find_trouble(const Snapshot& figures, const AlarmLimits& limits, Wall began, Wall now);

}  // namespace apf::monitor
