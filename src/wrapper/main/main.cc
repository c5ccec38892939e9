// apf-wrapper: second stage of a pilot on the worker node. Explicit wiring of the parts; docs/wrapper.md tells the
// story.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "protocol/json_value.h"
#include "protocol/launch.h"
#include "wrapper/exit_codes.h"
#include "wrapper/guardian.h"
#include "wrapper/log.h"
#include "wrapper/options.h"
#include "wrapper/pilot.h"
#include "wrapper/secrets.h"
#include "wrapper/signals.h"

namespace apf::wrapper {
namespace {

std::string node_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

// The submission's report key; a pilot without one reports without proof, and the factory decides.
std::string report_key() {
  const char* file = std::getenv("APF_REPORT_KEY_FILE");
  if (file == nullptr || *file == '\0') return {};
  auto key = take_secret(file);
  if (!key) log(Level::warning, "no report key: " + key.error().text());
  return key.value_or("");
}

void greet(const Options& options, const std::string& node) {
  const char* protocol = std::getenv("APF_PROTOCOL");
  log(Level::info, fmt::format("apf-wrapper {} on {}: {} pilot of queue {} at {}", APF_VERSION, node, options.plugin,
                               options.wms_queue, options.wms_url));
  if (protocol != nullptr && protocol != std::to_string(protocol::kLaunchProtocol))
    log(Level::warning,
        fmt::format("the factory speaks launch protocol {}, this wrapper {}", protocol, protocol::kLaunchProtocol));
}

Summary work(const Options& options, const std::string& token, const std::string& node, Reporter& reporter) {
  auto scratch = Scratch::make(options.scratch);
  if (!scratch) {
    log(Level::error, scratch.error().text());
    return {.rc = kNodeFault, .reason = scratch.error().what};
  }
  Wms wms(options, token, node, signals::ending());
  return Pilot(options, wms, reporter, *scratch).run();
}

void last_line(const Summary& s, Duration wall, const std::string& node) {
  const auto in_seconds = [](Duration d) {  // to the millisecond
    return static_cast<double>(std::chrono::duration_cast<milliseconds>(d).count()) / 1000;
  };
  const nlohmann::json j = {{"apf_wrapper", APF_VERSION},
                            {"rc", s.rc},
                            {"reason", s.reason},
                            {"payloads", s.payloads},
                            {"failed", s.failed},
                            {"payload_wall_s", in_seconds(s.payload_wall)},
                            {"payload_cpu_s", in_seconds(s.payload_cpu)},
                            {"wall_s", in_seconds(wall)},
                            {"node", node}};
  write_out(protocol::json_value::dump(j) + "\n");
}

int pilot(const Options& options) {
  const Mono born = mono_now();
  const std::string node = node_name();
  set_level(options.level);
  signals::install();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);  // see guardian.h
  greet(options, node);
  if (!options.fetched.empty()) ::unlink(options.fetched.c_str());

  // Both are taken before anything can fail: what stays in the working directory would be left for others to read.
  const auto token = options.token_file.empty() ? Result<std::string>("") : take_secret(options.token_file);
  Reporter reporter(report_key(), node);
  scrub_environment();
  reporter.report({});

  Summary summary;
  if (token) {
    summary = work(options, *token, node, reporter);
  } else {
    log(Level::error, token.error().text());
    summary = {.rc = kCredential, .reason = token.error().what};
  }
  protocol::apfmon::Report last;
  const bool fault = summary.rc > kDone && summary.rc < kBySignal;
  last.state = fault ? protocol::apfmon::State::fault : protocol::apfmon::State::exiting;
  last.rc = summary.rc;
  last.payloads = summary.payloads;
  reporter.report(last);
  reporter.finish();
  last_line(summary, mono_now() - born, node);
  return summary.rc;
}

int run(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments[0] == kGuardOption) {
    const auto settings = read_guard_arguments(arguments);
    return settings ? guard(*settings) : static_cast<int>(kUsage);
  }
  if (arguments.size() == 1 && arguments[0] == "--version") return write_out(APF_VERSION "\n"), kDone;
  if (arguments.size() == 1 && arguments[0] == "--help") return write_out(usage()), kDone;
  hide_process();
  const auto options = parse_options(arguments);
  if (options) return pilot(*options);
  log(Level::error, options.error().text());
  last_line({.rc = kUsage, .reason = options.error().what}, Duration::zero(), node_name());
  return kUsage;
}

}  // namespace
}  // namespace apf::wrapper

int main(int argc, char** argv) {
  try {
    return apf::wrapper::run({argv + (argc > 0 ? 1 : 0), argv + argc});
  } catch (const std::exception& e) {
    apf::wrapper::log(apf::Level::error, std::string("the wrapper's own fault: ") + e.what());
    return apf::wrapper::kFault;
  }
}
