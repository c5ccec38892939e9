// For tests: events of a schedd that are made up, and the pilots that are read from them.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "batch/htcondor/pilot_events.h"

namespace apf::batch_htcondor {

class MadeEvents : public ::testing::Test {
 protected:
  static std::string event(int type, int proc, const std::string& more = "") {
    return fmt::format(
        "{{\n  \"Cluster\": 5,\n  \"Proc\": {},\n  \"EventTypeNumber\": {},\n  \"EventTime\": "
        "\"2026-11-22T03:11:30.023Z\"{}{}\n}}\n",
        proc, type, more.empty() ? "" : ", ", more);
  }
  // The information event after an event of this type.
  static std::string about(int type, int proc, const std::string& more = "") {
    return event(
        28, proc,
        fmt::format(R"("TriggerEventTypeNumber": {}, "APF_FACTORY_ID": "f-1", "APF_INSTANCE": "i1", "APF_RUN": 3,
  "APF_SUBMISSION": "s-5", "APF_INDEX": {}, "APF_RERUN": false, "MATCH_APF_QUEUE": "Q", "NumJobStarts": 1{}{})",
                    type, proc, more.empty() ? "" : ", ", more));
  }
  static std::string both(int type, int proc, const std::string& more = "") {
    return event(type, proc, more) + about(type, proc, more);
  }

  void take(const std::string& text) {
    splitter_.add(text);
    while (const auto object = splitter_.next()) {
      const auto e = htcondor::decode_event(*object);
      ASSERT_TRUE(e);
      events_.take(*e, now_, [this] { return fmt::format("place {}", ++places_); }, out_);
    }
  }
  // "5.0 running" for what came since the last call, after waiting so long.
  std::vector<std::string> told(Duration later = Duration(0)) {
    now_ = now_ + later;
    events_.settle(now_, out_);
    std::vector<std::string> lines;
    for (const auto& p : out_) lines.push_back(p.batch_id + " " + name(p.state));
    out_.clear();
    return lines;
  }

  htcondor::ObjectSplitter splitter_;
  PilotEvents events_{"f-1", "i1"};
  Mono now_{1'000'000'000'000};
  std::vector<PilotSeen> out_;
  int places_ = 0;
};

}  // namespace apf::batch_htcondor
