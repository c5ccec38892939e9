// The wrapper's command line: every option is --wrapperNAME VALUE or --wrapperNAME=VALUE, given last wins;
// --wrappercheckscript adds up.
//
// Thread-safety: pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apf/context.h"
#include "apf/result.h"
#include "apf/time.h"
#include "wrapper/node/options.h"
#include "wrapper/running_options.h"

namespace apf::wrapper {

struct Options {
  std::string plugin = "generic";
  std::string wms_url;  // without a slash at the end
  std::string wms_queue;
  std::string token_file;         // empty: the WMS asks for none
  std::string label = "managed";  // empty: any
  std::string resource_type;      // empty: any
  std::string scratch;            // base of the scratch directory; empty: $OSG_WN_TMP, $TMPDIR or the working directory
  std::string fetched;            // the wrapper's own file when the bootstrap fetched it: removed at the start
  Duration lifetime = seconds{7200};  // no job is acquired after it
  Duration grace = seconds{10};       // between SIGTERM and SIGKILL of a payload
  Duration patience = seconds{120};   // how long a WMS that does not answer is asked again
  std::int64_t memory = 0;            // bytes of the slot, told to the WMS; 0: not told
  std::int64_t max_jobs = 0;          // 0: no limit
  Level level = Level::info;
  node::Options node;
  RunningOptions running;
};

// Error: Kind::config "wrapper.bad_option".
Result<Options> parse_options(std::span<const std::string> arguments);
std::string usage();

}  // namespace apf::wrapper
