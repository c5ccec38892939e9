// What kind of hold a job is in, by HTCondor's HoldReasonCode. The table is in README.md, "Holds".
//
// Thread-safety: pure functions.
#pragma once

#include <cstdint>

#include "apf/batch.h"

namespace apf::batch_htcondor {

// Holds of jobs whose input files are being spooled: they come free by themselves, so such a pilot is pending.
constexpr std::int64_t kSpoolingInput = 16;

HoldKind hold_kind(std::int64_t code, std::int64_t subcode);

}  // namespace apf::batch_htcondor
