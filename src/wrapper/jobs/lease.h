// Arithmetic of a job's lease (RULES R12): the server counts it from its answer, the pilot from the moment its request
// left, which is never later; so the pilot's deadline comes first. The payload is dead a margin before that.
//
// Thread-safety: pure functions.
#pragma once

#include <algorithm>

#include "apf/time.h"

namespace apf::wrapper {

// What the kernel may need to take a killed payload down, and what clocks may drift in a lease.
inline Duration lease_margin(Duration lease) { return std::min<Duration>(lease / 5, seconds{60}); }

// When the payload must be dead, of a lease that a request obtained which left at `request_left`.
inline Mono dead_by(Mono request_left, Duration lease) { return request_left + lease - lease_margin(lease); }

// How long after a renewal the next one is due: of a lease of 2 h every 5 min, of short ones at a fourth.
inline Duration renew_after(Duration lease) { return std::clamp<Duration>(lease / 4, milliseconds{200}, seconds{300}); }

// The same after a renewal that failed: often enough to live through a restart of the server.
inline Duration retry_after(Duration lease) { return std::clamp<Duration>(lease / 20, milliseconds{200}, seconds{30}); }

}  // namespace apf::wrapper
