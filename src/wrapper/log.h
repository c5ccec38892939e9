// The pilot's log: lines on standard output, which the batch system brings back. "2026-11-21T23:50:14Z info text".
//
// Thread-safety: log() may be called from any thread (a line is one write); set_level() at start only.
#pragma once

#include <string_view>

#include "apf/context.h"

namespace apf::wrapper {

void set_level(Level level);
void log(Level level, std::string_view text);
// Bytes as they are (a payload's output).
void write_out(std::string_view text);

}  // namespace apf::wrapper
