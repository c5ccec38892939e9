#include "describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <string_view>

#include "flavour.h"
#include "flavour_lines.h"
#include "htcondor/text.h"
#include "lines.h"
#include "pilot_events.h"

namespace apf::batch_htcondor {
namespace {

using htcondor::submit_expression;
using htcondor::submit_string;
using htcondor::submit_text;

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kKiB = 1 << 10;

// Where a token is in the pilot's environment (WLCG bearer token discovery).
constexpr const char* kTokenVariable = "BEARER_TOKEN_FILE";

// A completed job stays for its output, a week at most; condor_transfer_data sets StageOutFinish.
constexpr const char* kUntilFetched =
    "JobStatus == 4 && StageOutFinish =?= undefined && time() - CompletionDate < 604800";

// Values that pass through launch() together with the stand-ins for HTCondor's numbers must not hold those themselves.
void check_identity(Lines& lines, const SubmitOrder& order) {
  const FactoryIdentity& me = *order.me;
  const QueueSpec& queue = *order.queue;
  lines.check(htcondor::check_plain(queue.name, "the queue's name"));
  lines.check(htcondor::check_plain(me.factory_id, "the factory's id"));
  lines.check(htcondor::check_plain(me.user, "the factory's user"));
  lines.check(htcondor::check_plain(me.report_url, "the report URL"));
  lines.check(htcondor::check_plain(me.log_url, "the log URL"));
  lines.check(htcondor::check_plain(me.log_dir, "log_dir"));
  lines.check(htcondor::check_plain(me.wrapper_url, "the wrapper's URL"));
  for (const auto& argument : queue.arguments) lines.check(htcondor::check_plain(argument, "an argument"));
  for (const auto& [name, value] : queue.environment) {
    lines.check(htcondor::check_plain(name, "the name of an environment variable"));
    lines.check(htcondor::check_plain(value, fmt::format("environment variable '{}'", name)));
  }
}

// What every flavour takes from the user; his own lines come before ours, so that ours win.
void user_part(Lines& lines, const Options& o) {
  if (o.has("extra"))
    for (const auto& line : o.list("extra")) {
      lines.check(check_extra(line));
      lines.line(line);
    }
  attribute_lines(lines, o, "attributes", "");
  if (o.has("request_memory"))
    lines.raw("request_memory", fmt::format("{}M", (o.integer("request_memory") + kMiB - 1) / kMiB));
  if (o.has("request_disk"))
    lines.raw("request_disk", fmt::format("{}K", (o.integer("request_disk") + kKiB - 1) / kKiB));
  if (o.has("request_cpus")) lines.raw("request_cpus", std::to_string(o.integer("request_cpus")));
  if (o.has("request_gpus")) lines.raw("request_gpus", std::to_string(o.integer("request_gpus")));
  text_line(lines, o, "accounting_group", "accounting_group");
  text_line(lines, o, "accounting_user", "accounting_group_user");
  for (const char* option : {"periodic_hold", "periodic_release"})
    if (o.has(option)) lines.add(option, submit_expression(o.text(option), option));
}

void universe_part(Lines& lines, Flavour flavour, const Options& o) {
  if (!is_grid(flavour)) return lines.raw("universe", "vanilla");
  lines.raw("universe", "grid");
  lines.add("grid_resource", grid_resource(flavour, o));
}

// ---- what all have ----

void identity_part(Lines& lines, const SubmitOrder& order, const protocol::Launch& launch) {
  const FactoryIdentity& me = *order.me;
  lines.add("+APF_FACTORY_ID", submit_string(me.factory_id, "the factory's id"));
  lines.add("+APF_INSTANCE", submit_string(me.instance, "the instance"));
  lines.raw("+APF_RUN", std::to_string(me.run));
  lines.add("+APF_SUBMISSION", submit_string(order.submission, "the submission's id"));
  lines.raw("+APF_INDEX", "$(Process)");
  lines.add("+MATCH_APF_QUEUE", submit_string(order.queue->name, "the queue's name"));
  lines.add("+FACTORY_JOBID", submit_string(me.factory_id + "#" + htcondor::kPilotId, "the factory's id"));
  if (launch.log_url.empty()) return;
  const std::string url = launch.log_url + "/" + htcondor::kPilotId;
  lines.add("+APF_LOGURL", submit_string(url + ".log", "the log URL"));
  lines.add("+APF_OUTURL", submit_string(url + ".out", "the log URL"));
  lines.add("+APF_ERRURL", submit_string(url + ".err", "the log URL"));
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The list of transfer_input_files has commas as separators and no escapes; names that meet on the node would
// overwrite each other there. Where a job is handed on, blanks separate, too (seen with HTCondor 23.9).
Result<std::string> input_list(const char* way, const std::string& key_file, const std::vector<std::string>& files) {
  const auto breaks = [&](const std::string& path) { return way != nullptr && path.find(' ') != std::string::npos; };
  if (breaks(key_file))
    return bad_option(fmt::format("the path '{}' holds a blank, which {} can't send", key_file, way),
                      "set the option 'spool' of the batch section to a path without blanks");
  auto key = submit_text(key_file, "the path of the report key");
  if (!key) return key;
  std::string list = *key;
  std::set<std::string> names{base_name(key_file)};
  for (const auto& file : files) {
    if (!file.starts_with('/') || file.ends_with('/') || file.find_first_of(",\"") != std::string::npos)
      return bad_option(fmt::format("input file '{}' can't be sent", file),
                        "give an absolute path of a file, without commas and quotes");
    if (breaks(file))
      return bad_option(fmt::format("input file '{}' has a blank in its path, which {} can't send", file, way));
    if (!names.insert(base_name(file)).second)
      return bad_option(fmt::format("input file '{}' has the name of another one", file), "rename it");
    auto path = submit_text(file, fmt::format("input file '{}'", file));
    if (!path) return path;
    list += ", " + *path;
  }
  return list;
}

// What HTCondor is asked to do that splits paths at blanks; nothing: it does not.
const char* splitting(Flavour flavour, const Files& files) {
  if (files.spooled) return "spooling";
  return is_grid(flavour) ? "this flavour" : nullptr;
}

void files_part(Lines& lines, const char* way, const protocol::Launch& launch, const Result<std::string>& inputs) {
  if (way != nullptr && launch.log_dir.find(' ') != std::string::npos)
    lines.check(bad_option(
        fmt::format("the log folder '{}' holds a blank, which {} can't fetch output into", launch.log_dir, way),
        "the queue's name and log_dir must have none"));
  lines.raw("should_transfer_files", "YES");
  lines.raw("when_to_transfer_output", "ON_EXIT");
  lines.add("transfer_input_files", inputs);
  lines.raw("transfer_output_files", "\"\"");  // a pilot sends its results elsewhere
  const std::string stem = launch.log_dir + "/" + htcondor::kPilotId;
  lines.add("output", submit_text(stem + ".out", "log_dir"));
  lines.add("error", submit_text(stem + ".err", "log_dir"));
}

// HTCondor writes one user log a job; what would be the second one, for people, is written like that of a DAG's node.
// With a mask that log is plain text whatever form the first one has (seen with HTCondor 23.9).
void log_part(Lines& lines, const std::string& events, const std::string& job_log) {
  if (events.empty()) {
    if (!job_log.empty()) lines.add("log", submit_text(job_log, "log_dir"));
    return;
  }
  lines.add("log", submit_text(events, "the path of the pilots' log"));
  lines.raw("log_xml", "true");
  lines.raw("job_ad_information_attrs",
            fmt::format("{},{}", fmt::join(kNeededAttributes, ","), fmt::join(kUsefulAttributes, ",")));
  if (job_log.empty()) return;
  lines.add("dagman_log", submit_text(job_log, "log_dir"));
  lines.raw("+DAGManNodesMask", "\"0,1,4,5,7,9,10,11,12,13,22,23,24,25,26,27,29,30,40\"");
}

// A token is read by the gridmanager for the flavours whose server takes tokens; to all pilots it goes as a file.
void credential_part(Lines& lines, Flavour flavour, const char* way, const Files& files) {
  if (way != nullptr && files.proxy.find(' ') != std::string::npos)
    lines.check(bad_option(fmt::format("the path '{}' holds a blank, which {} can't send", files.proxy, way),
                           "set the option 'spool' of the batch section to a path without blanks"));
  if (!files.proxy.empty()) lines.add("x509userproxy", submit_text(files.proxy, "the credential's path"));
  if (!files.token.empty() && (flavour == Flavour::condor || flavour == Flavour::arc))
    lines.add("scitokens_file", submit_text(files.token, "the credential's path"));
}

}  // namespace

Result<Described> describe(const SubmitOrder& order, const Files& files) {
  const Options& o = order.queue->submit;
  const auto flavour = flavour_of(o);
  if (!flavour) return fail(flavour.error());
  Lines lines;
  check_identity(lines, order);
  protocol::Launch launch = protocol::launch(order, htcondor::kPilotId, htcondor::kIndex, is_grid(*flavour));
  launch.environment[protocol::kReportKeyVariable] = base_name(files.key);
  std::vector<std::string> inputs = files.inputs;
  if (!files.token.empty()) {
    inputs.push_back(files.token);
    launch.environment.try_emplace(kTokenVariable, base_name(files.token));
  }
  const char* const way = splitting(*flavour, files);
  user_part(lines, o);
  universe_part(lines, *flavour, o);
  lines.add("executable", submit_text(launch.executable, "the executable's path"));
  lines.raw("transfer_executable", "true");
  lines.add("arguments", htcondor::submit_arguments(launch.arguments));
  lines.add("environment", htcondor::submit_environment(launch.environment));
  lines.raw("getenv", "false");
  lines.raw("notification", "never");
  flavour_lines(lines, *flavour, order);
  // BLAHP makes the pilot's working directory below this one, which is the factory's own otherwise
  if (*flavour == Flavour::batch) lines.add("initialdir", submit_text(files.directory, "the path of the spool"));
  files_part(lines, way, launch, input_list(way, files.key, inputs));
  log_part(lines, files.events, o.flag("job_log") ? launch.log_dir + "/" + htcondor::kPilotId + ".log" : "");
  if (files.spooled) lines.raw("leave_in_queue", kUntilFetched);
  credential_part(lines, *flavour, way, files);
  identity_part(lines, order, launch);
  lines.line(fmt::format("queue {}", order.n));
  auto text = lines.take();
  if (!text) return fail(text.error());
  return Described{std::move(*text), launch.log_dir};
}

}  // namespace apf::batch_htcondor
