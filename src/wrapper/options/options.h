// The wrapper's command line: every option is --wrapperNAME VALUE or --wrapperNAME=VALUE, given last wins;
// --wrappercheckscript and --wrapperextraopts add up. Names of
// AutoPyFactory's older wrappers (--pandasite, --wrapperserverurl, ...) are aliases. What is no option of ours goes to
// the pilot's code, in its order, and so does everything behind a lone "--".
//
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apf/context.h"
#include "apf/result.h"
#include "apf/time.h"
#include "wrapper/node/options.h"
#include "wrapper/options/code_options.h"
#include "wrapper/options/running_options.h"

namespace apf::wrapper {

struct Options {
  std::string plugin;   // empty: as the lookup table says, else generic
  std::string wms_url;  // without a slash at the end
  std::string wms_queue;
  std::string batch_queue, grid, vo;  // further columns of the lookup table
  std::string token_file;             // empty: the WMS asks for none
  std::string label = "managed";      // empty: any
  std::string resource_type;          // empty: any
  std::string scratch;  // base of the scratch directory; empty: $OSG_WN_TMP, $TMPDIR or the working directory
  std::string home;     // what the bootstrap unpacked: removed at the start
  Duration lifetime = seconds{7200};  // no job is acquired after it
  std::optional<Duration> grace;      // between SIGTERM and SIGKILL of a payload; unset: as its kind needs
  Duration patience = seconds{120};   // how long a WMS that does not answer is asked again
  std::int64_t memory = 0;            // bytes of the slot, told to the WMS; 0: not told
  std::int64_t max_jobs = 0;          // 0: no limit
  Level level = Level::info;
  bool dry = false;  // everything but running the pilot
  CodeOptions code;
  node::Options node;
  RunningOptions running;
};

// Error: Kind::config "wrapper.bad_option".
Result<Options> parse_options(std::span<const std::string> arguments);
std::string usage();

struct PluginKind;
// Do the options suffice for this kind of pilot, and does it take all of them? Error: as above.
Status check_options(const Options& options, const PluginKind& kind);

}  // namespace apf::wrapper
