// What the end of a payload means for its job, in PanDA's words and numbers.
//
// Thread-safety: pure functions.
#pragma once

#include <cerrno>
#include <string>

#include "protocol/panda.h"
#include "wrapper/payload/guard_protocol.h"

namespace apf::wrapper {

// The last update of a job: finished or failed, exit code, pilot_error_code (numbers of PanDA's pilot) and a sentence.
// `told_by` is the signal that ended the pilot (0: none), `command` what the WMS told.
protocol::panda::UpdateRequest last_update(const protocol::panda::Job& job, const Outcome& outcome, int told_by,
                                           const std::string& command);

}  // namespace apf::wrapper
