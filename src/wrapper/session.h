// The life of one pilot around its plug-in: secrets, reports, scratch directory, the plug-in's three calls, last line.
//
// Thread-safety: once a process, from its main thread.
#pragma once

#include "wrapper/options/options.h"
#include "wrapper/report/summary.h"

namespace apf::wrapper {

int run_session(const Options& options);  // the pilot's exit code
// One line of JSON, the last one of the pilot's log.
void write_last_line(const Summary& summary, Duration wall, const std::string& node);
std::string node_name();

}  // namespace apf::wrapper
