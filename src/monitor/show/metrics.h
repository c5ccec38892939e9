// GET /metrics: the monitor's own metrics for Prometheus; tests/golden/monitor_metrics.txt pins their names.
// GET /sls.xml: availability in the XML form of CERN's SLS (xsls.cern.ch), of one factory with ?factory=NAME.
//
// Thread-safety: pure functions, but for add_metrics(): before the server starts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "monitor/access/access.h"
#include "monitor/alarms/alarms.h"
#include "monitor/figures.h"
#include "monitor/news/udp.h"
#include "monitor/router.h"

namespace apf::monitor {

// What is counted beside the figures.
struct OwnFigures {
  std::vector<Alarm> alarms;
  std::vector<Alarms::Delivery> deliveries;
  Access::Stats access;
  Udp::Stats udp{};
};

// Labels beyond the first 5000 are left out; apf_monitor_metrics_labels_left_out says how many.
std::string metrics_text(const Snapshot& figures, const OwnFigures& own);

// Of a factory (null: of the monitor and all its factories): available, degraded or unavailable.
std::string sls_text(const Snapshot& figures, const FactoryFigures* factory, const std::string& monitor_url, Wall now);

void add_metrics(Router& router, const std::function<SnapshotPtr()>& figures, std::function<OwnFigures()> own,
                 const std::string& monitor_url);

}  // namespace apf::monitor
