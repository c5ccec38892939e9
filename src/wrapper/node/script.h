// Checks of the VO: a program that looks at the node, ends with 0 when all is well, and may say more as JSON on its
// standard output:
//
//   {"status": "ok|warning|failed", "class": "software", "text": "no /cvmfs/vo.example.org/v3", "fault": "node"}
//
// "fault" says whose fault a failure is: node (default), credential, wms or configuration. All members may be missing.
// The exit code has the last word: what ended with another than 0 has failed, whatever it says.
//
// Thread-safety: pure functions, and run_script() may be called from any number of threads.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "wrapper/node/checks.h"

namespace apf::wrapper::node {

// `exit_code` -1: ended by a signal. JSON is looked for in the whole output, else in its last line.
Finding read_script(int exit_code, std::string_view out);

// Runs it below a guardian in `directory`, an empty one of its own: whatever it starts is gone afterwards.
Finding run_script(const std::string& file, const std::string& directory, Mono deadline);

}  // namespace apf::wrapper::node
