// What one pilot's end says about the node it ran on and about its queue (R11). Exit codes: docs/wrapper.md.
//
// Thread-safety: a pure function.
#pragma once

#include <cstdint>
#include <string_view>

#include "apf/batch.h"

namespace apf::core {

enum class Verdict : std::uint8_t {
  none,     // says nothing: removed, lost, never started, or ended late in a way that may be its payload's
  good,     // did its work
  bad,      // failed validation, wrapper fault, or failed sooner than a pilot can do any work: speaks against its node
  evicted,  // lost its slot early: speaks against its node, never against a queue (a pool may preempt whom it likes)
  empty,    // found no work, or was so short that it can't have done any: speaks against its node only while jobs wait
  fault,    // configuration, credential or WMS: speaks against its queue, never against a node
};

struct Ending {
  PilotState state = PilotState::done;
  std::int32_t exit_code = -1;    // -1: not told or ended by a signal
  std::int32_t payloads = -1;     // -1: not told
  float wall_s = -1;              // how long it ran; negative: not told, or it never ran
  bool wrapper = true;            // it was our wrapper: its exit codes are known, and never a payload's
  bool evicted = false;           // the batch system took its slot away
  std::string_view failure = {};  // class of the check that failed, as its wrapper told it
};

// `shortest`: a pilot that ran for less than this can't have done any work; 0: that is never concluded.
Verdict judge(const Ending& e, Duration shortest);

// "failed validation (exit code 64)", for people.
const char* meaning(const Ending& e, Verdict verdict);

// Did the pilot end in order? Also with a code that says "no work" or "all payloads failed" (--wrapperexit telling).
bool well(std::int32_t exit_code, bool wrapper);

}  // namespace apf::core
