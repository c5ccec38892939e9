// The factory's metrics in the Prometheus text format 0.0.4. tests/golden/metrics.txt pins their names.
//
// Labels are bounded: queues, sources and codes that the configuration or the program names; never pilots or nodes.
// Thread-safety: pure function.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/factory.h"
#include "engine/json_forms.h"

namespace apf::engine {

// What the shell counts about itself; what is not known stays 0 and is shown so.
struct ShellStats {
  std::int64_t passes = 0, commits = 0, commit_failures = 0;
  double commit_seconds = 0;  // in commits, together
  std::int64_t journal_dropped = 0;
  int threads = 0;                                          // workers of the lanes
  std::vector<std::pair<std::string, std::int64_t>> lanes;  // lane -> jobs that wait or run
  std::vector<std::string> overdue;                         // lanes whose call is past its deadline
  std::int64_t reports_accepted = 0, reports_refused = 0;
  std::vector<std::pair<int, std::int64_t>> http_answers;  // status -> how many
};

// Queues beyond the first 5000 by name are left out; apf_metrics_queues_left_out says how many.
std::string metrics_text(const core::FactorySnapshot& factory, const QueueSnapshots& queues, const ShellStats& shell,
                         Moment now);

}  // namespace apf::engine
