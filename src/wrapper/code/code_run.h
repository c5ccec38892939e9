// Runs a pilot's code under the guardian, like a payload, with its output in the log as it comes.
//
// Thread-safety: the main thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "wrapper/payload/watch.h"
#include "wrapper/plugin.h"

namespace apf::wrapper {

struct CodeRun {
  std::string title{};  // "pilot", for the log
  std::vector<std::string> argv{};
  std::map<std::string, std::string> environment{};  // added to our own
  std::string directory{};                           // in the scratch directory
  Duration grace = seconds{10};
  Duration stuck{};         // without output or heartbeat for so long it is ended, unless the options say otherwise
  std::string heartbeat{};  // file that shows life beside the output; empty: "heartbeat" in the directory
  std::function<void()> every_second{};
};

// Error: Kind::transient, the guardian could not be started: the node's fault.
Result<Watched> run_code(const Surroundings& around, const CodeRun& run);

}  // namespace apf::wrapper
