// Interface of a sched plug-in: one step of a queue's chain, a pure function of its input.
//
// Formulas: AutoPyFactory's sched plug-ins; docs/sched.md lists each with its deliberate deviations.
// Thread-safety: steps are immutable; apply() may be called from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apf/time.h"

namespace apf {

// Jobs of the queue's WMS queue. (Not nested below: clang would not yet know it as default-constructible there.)
struct SchedDemand {
  std::int64_t notready = 0, ready = 0, running = 0, done = 0, failed = 0;
};

// What a step asks about pilots of its queue that ended lately, and the answer: of those that started within the last
// `within` and have ended, how many ran for less than `below`.
struct SchedEnds {
  Duration within{}, below{};
  std::int64_t ended = 0, brief = 0;
};

// Everything a step may look at. Values only: a decision can be replayed from it bit for bit.
struct SchedInput {
  using Wms = SchedDemand;
  std::optional<Wms> wms;       // nothing when the WMS is not known (view missing or too old)
  std::string site = "online";  // online|test|offline|brokeroff|...
  // our pilots of this queue (R3)
  std::int64_t pending = 0, running = 0, retiring = 0;
  std::int64_t claimed = 0;           // started so lately that the WMS may still call their jobs ready (R2)
  std::optional<std::int64_t> dealt;  // this queue's part of demand that several queues share (R10)
  std::int64_t factory_total = 0;     // pending + running of all queues of this factory, this one included
  std::int64_t used = 0;              // pilots already submitted in this cycle (R1)
  std::int64_t cycle = 0;             // number of this cycle; counts up by one from cycle to cycle
  std::int64_t life_submitted = 0;    // pilots ever submitted for this queue
  std::vector<SchedEnds> ends;        // an answer to each SchedStep::asks() of the chain
};

// Largest number a chain handles; larger ones are clamped so that arithmetic can't overflow.
constexpr std::int64_t kMost = 1'000'000'000'000;

struct Step {
  std::int64_t out = 0;
  std::string message;  // the original's form without the name: "in=0,activated=100,offset=4,pending=10,ret=86"
  // Of `out`: pilots that this step adds outside the demand, for a step that does both (see outside_demand()).
  std::int64_t outside = 0;
};

class SchedStep {
 public:
  SchedStep() = default;
  SchedStep(const SchedStep&) = delete;
  SchedStep& operator=(const SchedStep&) = delete;
  virtual ~SchedStep() = default;
  [[nodiscard]] virtual Step apply(std::int64_t n, const SchedInput& input) const = 0;
  // Pilots that this step adds stand outside the demand (fixed, min*, test rules): R10 shows them apart.
  [[nodiscard]] virtual bool outside_demand() const { return false; }
  // What the step has to know of pilots that ended lately (SchedEnds::within at most an hour); the factory puts the
  // answer into SchedInput::ends.
  [[nodiscard]] virtual std::optional<SchedEnds> asks() const { return std::nullopt; }
};

}  // namespace apf
