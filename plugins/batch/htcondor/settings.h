// What the options of scope source say.
#pragma once

#include <cstdint>
#include <string>

#include "apf/time.h"

namespace apf::batch_htcondor {

struct Settings {
  std::string spool;
  std::int64_t history_since_s = 3600;  // how far the first look into the history goes back
  std::int64_t history_scan = 200'000;  // most records that one look into the history reads
  std::string event_log = "auto";       // or "pilots", a path, or "none"
  Duration gap_pause = seconds{5};      // between two gaps that are told: each costs a look at the whole queue
  Duration check_pause = seconds{600};  // between two looks whether all pilots write their own log
  bool spooling = false;                // files travel through the schedd's spool
  std::int64_t fetch_rate = 300;        // pilots a minute whose output is fetched then
};

}  // namespace apf::batch_htcondor
