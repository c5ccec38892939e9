// The real Context: commands by the process supervisor, HTTP by libcurl, secrets from files, all within a deadline.
//
// Thread-safety: belongs to one call; Stop is shared.
#pragma once

#include <memory>
#include <string>

#include "apf/context.h"
#include "engine/stop.h"

namespace apf::engine {

// `topic` is put before what the plug-in logs: "wms.panda". Commands inherit the descriptor `inherit`, unless it is -1.
std::unique_ptr<Context> make_context(std::string topic, Mono deadline, std::shared_ptr<Stop> stop, int inherit = -1);

// The content of a secret's file without the last newline. Kind::config "engine.credential_missing",
// "engine.credential_open_to_others" (group or others may read or write it), "engine.credential_too_long".
Result<std::string> read_credential(const std::string& file);

}  // namespace apf::engine
