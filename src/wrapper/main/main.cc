// apf-wrapper: second stage of a pilot on the worker node. Explicit wiring of the parts; docs/wrapper.md tells the
// story.
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "wrapper/code/kit.h"
#include "wrapper/exit_codes.h"
#include "wrapper/log.h"
#include "wrapper/node/probe.h"
#include "wrapper/options/options.h"
#include "wrapper/payload/guardian.h"
#include "wrapper/secrets.h"
#include "wrapper/session.h"

namespace apf::wrapper {
namespace {

int run(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments[0] == kGuardOption) {
    const auto settings = read_guard_arguments(arguments);
    return settings ? guard(*settings) : static_cast<int>(kUsage);
  }
  if (!arguments.empty() && arguments[0] == node::kProbeOption) return node::probe(arguments);
  if (arguments.size() == 1 && arguments[0] == "--version") return write_out(APF_VERSION "\n"), kDone;
  if (arguments.size() == 1 && arguments[0] == "--help") return write_out(usage()), kDone;
  hide_process();
  const auto options = parse_options(arguments);
  if (options) return run_session(*options);
  log(Level::error, options.error().text());
  if (arguments.size() > 1 && arguments[0] == "--wrapperhome")
    remove_home(arguments[1]);  // the bootstrap puts it first
  write_last_line({.rc = kUsage, .reason = options.error().what}, Duration::zero(), node_name());
  return kUsage;
}

}  // namespace
}  // namespace apf::wrapper

int main(int argc, char** argv) {
  ::setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 0);  // HTCondor starts jobs without one
  try {
    return apf::wrapper::run({argv + (argc > 0 ? 1 : 0), argv + argc});
  } catch (const std::exception& e) {
    apf::wrapper::log(apf::Level::error, std::string("the wrapper's own fault: ") + e.what());
    return apf::wrapper::kFault;
  }
}
