// From rows of condor_q and condor_history to pilots.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apf/batch.h"

namespace apf::batch_htcondor {

// How the reason of a pilot begins that was evicted and, as we asked, does not start again.
inline constexpr std::string_view kNotRunAgain = "evicted, is not run again: ";

enum class Listing : std::uint8_t { queue, history };

// What the tool is asked to print for read(): arguments after the constraint.
std::vector<std::string> columns(Listing listing);

// All pilots in the tool's output. The whole output is an error when it is garbled, holds a row without our identity,
// or the same pilot twice with different facts (RULES R5). `instance`: pilots of another one are marked foreign.
Result<std::vector<PilotSeen>> read(std::string_view out, Listing listing, std::string_view instance);

// "12.3" as one number that sorts like (cluster, proc).
std::uint64_t job_key(std::string_view batch_id);

}  // namespace apf::batch_htcondor
