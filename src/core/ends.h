// What sched steps ask about pilots that ended lately (SchedStep::asks). For the core only.
#pragma once

#include <deque>
#include <vector>

#include "apf/sched.h"
#include "apf/time.h"

namespace apf::core {

struct Queue;
class FactoryState;
struct Pilot;

// A pilot that ran and ended: when it started, and for how long it ran (ages, so that no clock's step matters).
struct Ran {
  Mono started;
  float wall_s = 0;
};

// Of a queue whose chain asks: the newest ends of the last hour, at most so many. A busier queue is judged by fewer
// minutes of itself.
constexpr std::size_t kMostEnds = 1024;
using Ends = std::deque<Ran>;

// One that never started is no answer to anything. `r` is the row of an ended pilot.
void remember_end(Queue& q, const Pilot& r, Mono started, Mono now);
std::vector<SchedEnds> answers(Queue& q, Mono now);
// At a start: what the ledger remembers of the last hour.
void restore_ends(FactoryState& s, const std::vector<Pilot>& pilots, Mono now, Wall shown);

// How long a pilot ran, in seconds: what the batch system said, else the difference of its own times; negative: not
// told.
float ran_for(const Pilot& r);

}  // namespace apf::core
