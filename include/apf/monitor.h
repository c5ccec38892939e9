// Interface of a monitor plug-in: it is told what the factory does. It may be slow or down; the factory never waits.
//
// Thread-safety: an instance is called by one thread at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apf/batch.h"
#include "apf/context.h"

namespace apf {

// A pilot that came into being or changed its state.
struct PilotNote {
  std::uint64_t no = 0;                   // the ledger's number: unique in a state directory, never used again
  std::shared_ptr<const QueueSpec> spec;  // its queue as configured; null in tests only
  std::string queue, batch_id, submission, node, reason;
  std::uint32_t index = 0;
  PilotState state = PilotState::pending;
  Wall at;
  std::int32_t exit_code = -1;
  std::int32_t payloads = -1;  // that it ran so far, as its wrapper told; -1: not told
  std::string profile = {};    // what its node is, JSON as the wrapper tells it once (docs/wrapper.md); mostly empty
  Wall planned;                // of its submission: SubmitOrder::when, which decides the place of its logs
  Wall submitted, started;     // 0: not yet
  std::uint32_t together = 0;  // pilots that its submission asked for; their indices are less
  // Of the key with which the pilots of its submission report, in lower-case hex. Empty unless they report to a
  // monitor.
  std::string report_key_sha256 = {};
};

// A decision.
struct QueueNote {
  std::string queue, message;  // the decision in the original's form, steps joined by ';'
  std::int64_t n = 0;
  Wall at;
  std::shared_ptr<const QueueSpec> spec{};
  std::int64_t pending = 0, running = 0;  // its pilots (R3)
};

class Monitor {
 public:
  Monitor() = default;
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  virtual ~Monitor() = default;
  // Adds to the factory's identity what pilots carry so that their own words can be linked with what this monitor is
  // told. Called before submissions begin and at each reload, by any thread. One that sets report_url has the pilots
  // report there instead of to the factory, and is told of their keys (PilotNote); only one monitor can.
  virtual void introduce(FactoryIdentity& me) const { (void)me; }
  // Called at least whenever a queue has decided, which each does when its demand is asked for anew.
  virtual Status tell(const FactoryIdentity& me, std::span<const PilotNote> pilots, std::span<const QueueNote> queues,
                      Context& context) = 0;
};

}  // namespace apf
