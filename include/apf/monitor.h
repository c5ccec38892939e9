// Interface of a monitor plug-in: it is told what the factory does. It may be slow or down; the factory never waits.
//
// Thread-safety: an instance is called by one thread at a time.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apf/batch.h"
#include "apf/context.h"

namespace apf {

struct PilotNote {
  std::string queue, batch_id, submission, node, reason;
  std::uint32_t index = 0;
  PilotState state = PilotState::pending;
  Wall at;
  std::int32_t exit_code = -1;
  std::string profile = {};  // what its node is, JSON as the wrapper tells it once (docs/wrapper.md); mostly empty
};

struct QueueNote {
  std::string queue, message;  // the decision in the original's form, steps joined by ';'
  std::int64_t n = 0;
  Wall at;
};

class Monitor {
 public:
  Monitor() = default;
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  virtual ~Monitor() = default;
  virtual Status tell(const FactoryIdentity& me, std::span<const PilotNote> pilots, std::span<const QueueNote> queues,
                      Context& context) = 0;
};

}  // namespace apf
