// Queues from CRIC (or AGIS before it): the JSON that describes PanDA queues and the CEs behind them, one queue of ours
// for each CE queue.
//
// Source: the fields that AutoPyFactory's AGIS plug-in read, and CRIC's answer to /api/atlas/pandaqueue/query/?json.
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"

namespace apf::cric {

// Which entries become queues; an empty list takes all. Compared without regard to capitals.
struct Filters {
  std::vector<std::string> vos, clouds, activities, pilot_managers, states, flavours, ce_statuses;
};

struct Selected {
  std::string toml;         // [queue.NAME] sections, ordered by name
  std::size_t queues = 0;   // of ours
  std::size_t entries = 0;  // PanDA queues in the answer
  std::vector<std::string>
      broken;  // entries and CEs that can't be served, each with its reason: a bad one loses only itself
  std::vector<std::string> unserved;  // "cream-ce (12)": flavours that no submit plug-in serves
};

// Errors, Kind::transient (somebody else's answer is wrong): "cric.not_json", "cric.no_queues".
Result<Selected> select(std::string_view text, const Filters& filters);

}  // namespace apf::cric
