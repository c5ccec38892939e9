// Limits that hold for every payload, whichever plug-in runs it: those of the pilot's options, beside what its job
// says.
//
// Thread-safety: a pure function.
#pragma once

#include "wrapper/options/running_options.h"
#include "wrapper/payload/guardian.h"

namespace apf::wrapper {

// The smaller one holds where both say something. A plug-in that knows a better sign of life than the file
// "heartbeat" in the payload's directory ($APF_HEARTBEAT_FILE) has set it before.
inline void limit(GuardSettings& s, const RunningOptions& o) {
  const auto tighten = [](auto& limit, auto other) {
    if (other > decltype(other){} && (limit == decltype(other){} || other < limit)) limit = other;
  };
  tighten(s.wall, o.most_wall);
  tighten(s.memory_kb, o.most_memory / 1024);
  if (o.stuck) s.disk.stuck = *o.stuck;
  s.disk.most_output = o.most_output;
  s.disk.most_scratch = o.most_scratch;
  s.disk.least_free = o.least_free;
  if (s.disk.heartbeat.empty()) s.disk.heartbeat = s.directory + "/heartbeat";
}

}  // namespace apf::wrapper
