// A node that failed its checks keeps its slot for a while (R11): behind a CE a pilot that ended at once would only
// make room for the next one on the same node, and so a single broken node eats a queue's pilots.
//
// Thread-safety: the main thread only (signals).
#pragma once

#include "apf/time.h"

namespace apf::wrapper::node {

// Between 3/4 and 5/4 of it, so that the slots of a node do not all come free at once; `random` from 0 to 1.
Duration jittered(Duration keep, double random);
double random_share();

// Waits; a signal of the batch system ends it. False: so it was.
bool keep_slot(Duration keep);

}  // namespace apf::wrapper::node
