#include "wrapper/session.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <nlohmann/json.hpp>

#include "protocol/json_value.h"
#include "protocol/launch.h"
#include "wrapper/exit_codes.h"
#include "wrapper/log.h"
#include "wrapper/node/keep_slot.h"
#include "wrapper/node/profile.h"
#include "wrapper/node/validate.h"
#include "wrapper/plugin.h"
#include "wrapper/report/environment.h"
#include "wrapper/secrets.h"
#include "wrapper/signals.h"

namespace apf::wrapper {
namespace {

// The submission's report key; a pilot without one reports without proof, and the factory decides.
std::string report_key() {
  const char* file = std::getenv("APF_REPORT_KEY_FILE");
  if (file == nullptr || *file == '\0') return {};
  auto key = take_secret(file);
  if (!key) log(Level::warning, "no report key: " + key.error().text());
  return key.value_or("");
}

void greet(const Options& options, const std::string& plugin, const std::string& node) {
  const char* protocol = std::getenv("APF_PROTOCOL");
  log(Level::info, fmt::format("apf-wrapper {} on {}: {} pilot", APF_VERSION, node, plugin) +
                       (options.wms_queue.empty() ? "" : " of queue " + options.wms_queue) +
                       (options.wms_url.empty() ? "" : " at " + options.wms_url));
  if (protocol != nullptr && protocol != std::to_string(protocol::kLaunchProtocol))
    log(Level::warning,
        fmt::format("the factory speaks launch protocol {}, this wrapper {}", protocol, protocol::kLaunchProtocol));
}

Summary with_plugin(const PluginKind& kind, const Surroundings& around) {
  const auto plugin = kind.make(around);
  Summary summary;
  if (const auto ending = plugin->prepare()) {
    if (ending->rc != kDone) log(Level::error, ending->reason);
    summary = {.rc = ending->rc, .reason = ending->reason};
  } else if (around.options.dry) {
    summary = {.reason = "dry run"};
  } else {
    summary = plugin->run();
  }
  plugin->finish(summary);
  return summary;
}

void tell_environment() {
  std::string text;
  for (const std::string& line : environment_lines()) text += "  " + line + "\n";
  log(Level::info, "environment:");
  write_out(text);
}

// Before the first payload: what is measured here is not measured beside one.
void tell_profile(const Options& options, const std::string& node, Reporter& reporter) {
  const auto from_environment = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  const std::string submission = from_environment("APF_SUBMISSION");
  const std::string pilot =
      submission.empty() ? node + std::to_string(::getpid()) : submission + "." + from_environment("APF_INDEX");
  std::optional<node::Benchmark> measured;
  if (!signals::ending() && node::sampled(pilot, options.node.benchmark_share)) measured = node::benchmark();
  if (!options.node.profile && !measured) return;
  std::string json = node::profile("", measured);
  log(Level::info, "node profile: " + json);
  reporter.attach_profile(std::move(json));
}

Summary failed(int rc, const Error& e) {
  log(Level::error, e.text());
  return {.rc = rc, .reason = e.what};
}

// What stands between the command line and the work.
struct Prepared {
  Kit kit;
  const PluginKind* kind = nullptr;
};
Result<Prepared> prepare(const Options& options) {
  auto kit = take_kit(options);
  if (!kit) return fail(kit.error());
  Prepared p{.kit = std::move(*kit)};
  p.kind = find_plugin(p.kit.plugin);
  if (auto enough = check_options(options, *p.kind); !enough) return fail(enough.error());
  return p;
}

Summary work(const Options& options, const Prepared& prepared, const std::string& token, const std::string& node,
             Reporter& reporter) {
  const auto validation =
      node::validate({.options = options, .token = token, .scratch = Scratch::base_of(options.scratch)}, reporter);
  if (validation.rc != kDone) return {.rc = validation.rc, .reason = validation.text, .failure = validation.failure};
  tell_profile(options, node, reporter);
  auto scratch = Scratch::make(options.scratch);
  if (!scratch) {
    Summary s = failed(kNodeFault, scratch.error());
    s.failure = "disk";
    return s;
  }
  return with_plugin(*prepared.kind, {.options = options,
                                      .token = token,
                                      .node = node,
                                      .reporter = reporter,
                                      .scratch = *scratch,
                                      .kit = prepared.kit});
}

// What nobody foresaw is the wrapper's own fault; it is told like any other.
Summary work_or_fault(const Options& options, const Prepared& prepared, const std::string& token,
                      const std::string& node, Reporter& reporter) {
  try {
    return work(options, prepared, token, node, reporter);
  } catch (const std::exception& e) {
    log(Level::error, std::string("the wrapper's own fault: ") + e.what());
    return {.rc = kFault, .reason = std::string("the wrapper's own fault: ") + e.what(), .failure = "wrapper"};
  }
}

protocol::apfmon::Report last_report(const Summary& s) {
  protocol::apfmon::Report last;
  const bool fault = s.rc > kDone && s.rc < kBySignal && s.rc != kNoWork && s.rc != kPayloadFault;
  last.state = fault ? protocol::apfmon::State::fault : protocol::apfmon::State::exiting;
  last.rc = s.rc;
  last.payloads = s.payloads;
  last.failure = s.failure;
  if (fault) last.text = s.reason;
  for (const std::int64_t id : s.ids) last.ids += (last.ids.empty() ? "" : ",") + std::to_string(id);
  return last;
}

// Told at once, then the slot is kept: nothing of the pilot is left but this process.
void keep_slot(const Options& options, const Summary& summary, Reporter& reporter) {
  if (options.node.keep_slot <= Duration::zero()) return;
  const Duration keep = node::jittered(options.node.keep_slot, node::random_share());
  auto report = last_report(summary);
  report.keeps = std::chrono::duration_cast<seconds>(keep).count();
  reporter.report(report);
  log(Level::warning, "this node keeps its slot for " + human(keep) + ", so that no other pilot comes to it");
  if (!node::keep_slot(keep)) log(Level::info, std::string("ended by ") + signals::name(signals::last_ending()));
}

}  // namespace

std::string node_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

void write_last_line(const Summary& s, Duration wall, const std::string& node) {
  const auto in_seconds = [](Duration d) {  // to the millisecond
    return static_cast<double>(std::chrono::duration_cast<milliseconds>(d).count()) / 1000;
  };
  nlohmann::json j = {{"apf_wrapper", APF_VERSION},
                      {"rc", s.rc},
                      {"outcome", outcome(s)},
                      {"reason", s.reason},
                      {"payloads", s.payloads},
                      {"failed", s.failed},
                      {"left_behind", s.left_behind},
                      {"payload_wall_s", in_seconds(s.payload_wall)},
                      {"payload_cpu_s", in_seconds(s.payload_cpu)},
                      {"wall_s", in_seconds(wall)},
                      {"node", node}};
  if (!s.failure.empty()) j["failure"] = s.failure;
  if (!s.ids.empty()) j["ids"] = s.ids;
  write_out(protocol::json_value::dump(j) + "\n");
}

int run_session(const Options& options) {
  const Mono born = mono_now();
  const std::string node = node_name();
  set_level(options.level);
  signals::install();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);  // see payload/guardian.h
  const auto prepared = prepare(options);
  greet(options, prepared ? prepared->kit.plugin : "", node);

  // Both are taken before anything can fail: what stays in the working directory would be left for others to read.
  const auto token = options.token_file.empty() ? Result<std::string>("") : take_secret(options.token_file);
  Reporter reporter(report_key(), node, options.running.udp, options.wms_queue);
  scrub_environment(prepared && prepared->kind->shares_secrets);
  reporter.report({});
  if (options.node.dump_environment) tell_environment();

  Summary summary;
  if (!prepared)
    summary = failed(kUsage, prepared.error());
  else if (!token)
    summary = failed(kCredential, token.error());
  else
    summary = work_or_fault(options, *prepared, *token, node, reporter);
  if (summary.rc == kNodeFault) keep_slot(options, summary, reporter);
  summary.rc = exit_code(summary, options.running.telling_exit);
  reporter.report(last_report(summary));
  reporter.finish();
  write_last_line(summary, mono_now() - born, node);
  return summary.rc;
}

}  // namespace apf::wrapper
