// follow() of the plug-in: the schedd's event log as pilots. README.md, "Events".
//
// Thread-safety: one thread at a time.
#pragma once

#include <memory>
#include <string>

#include "apf/batch.h"
#include "htcondor/event_log.h"
#include "htcondor/tools.h"
#include "pilot_events.h"

namespace apf::batch_htcondor {

class Feed {
 public:
  // `event_log`: the option: "auto", "none" or a path.
  Feed(const htcondor::Tools& tools, std::string event_log) : tools_(tools), option_(std::move(event_log)) {}

  [[nodiscard]] bool wanted() const { return option_ != "none"; }
  Result<View<FeedData>> follow(const FactoryIdentity& me, const std::string& cursor, Context& context);

 private:
  Status open(const FactoryIdentity& me, const std::string& cursor, Context& context);
  void note(std::string gap);
  Result<bool> drain(FeedData& data);
  [[nodiscard]] std::string bookmark() const;

  const htcondor::Tools& tools_;
  const std::string option_;
  std::unique_ptr<htcondor::EventLog> log_;
  std::unique_ptr<PilotEvents> events_;
  std::string given_;  // the cursor that follow() gave last: where log_ stands
  std::string gap_;    // to be told
  Mono told_gap_{};    // when the last one was
  bool full_ = false;  // the disk of the log was full at the last look
};

}  // namespace apf::batch_htcondor
