// Secrets of a pilot: read into memory at the start, their copies in the working directory removed and their names
// taken out of the environment, so that a payload, which runs as the same user, does not come by them.
//
// Thread-safety: at start only, before any thread.
#pragma once

#include <string>

#include "apf/result.h"

namespace apf::wrapper {

// One line, without blanks around it. The file is removed when it lies in the working directory itself: that is the
// copy which the batch system made for this pilot. Error: Kind::config "wrapper.no_credential".
Result<std::string> take_secret(const std::string& file);

// Takes variables that lead to secrets out of this process's environment, which payloads inherit. `only_ours`: those
// of the factory; what a pilot's code needs for the WMS stays.
void scrub_environment(bool only_ours);

// Other processes of this user may neither trace this process nor read its memory, environment or descriptors.
void hide_process();

}  // namespace apf::wrapper
