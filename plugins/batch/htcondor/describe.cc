#include "describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <set>
#include <string_view>

#include "htcondor/text.h"

namespace apf::batch_htcondor {
namespace {

using htcondor::submit_expression;
using htcondor::submit_string;
using htcondor::submit_text;

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kKiB = 1 << 10;

// Collects lines; remembers the first error, so that callers read like the description they write.
class Lines {
 public:
  void raw(std::string_view name, std::string_view value) { text_ += fmt::format("{} = {}\n", name, value); }
  void add(std::string_view name, const Result<std::string>& value) {
    if (value)
      raw(name, *value);
    else if (!error_)
      error_ = value.error();
  }
  void line(std::string_view whole) { text_ += fmt::format("{}\n", whole); }
  void check(const Status& status) {
    if (!status && !error_) error_ = status.error();
  }
  Result<std::string> take() {
    if (error_) return fail(*error_);
    return std::move(text_);
  }

 private:
  std::string text_;
  std::optional<Error> error_;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

tl::unexpected<Error> bad_option(std::string what, std::string advice = "") {
  return fail(Kind::config, "htcondor.bad_option", std::move(what), "", std::move(advice));
}

// Identity and conditions are ours alone: a free attribute must not replace them.
bool reserved(std::string_view attribute) {
  const std::string name = lower(attribute);
  return name.starts_with("apf_") || name == "match_apf_queue" || name == "factory_jobid" || name == "jobstatus" ||
         name == "requirements" || name == "periodicremove";
}

Status check_attribute_name(const std::string& name) {
  const auto word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name.empty() || (name[0] >= '0' && name[0] <= '9') || !std::all_of(name.begin(), name.end(), word))
    return bad_option(fmt::format("attribute '{}' is no ClassAd name", name), "letters, digits and _ only");
  if (reserved(name)) return bad_option(fmt::format("attribute '{}' is set by the factory", name));
  return {};
}

// Raw lines may set any submit command but may not queue, branch, include, or open a multi-line value; and they come
// before our own lines, so that ours win.
Status check_extra(const std::string& line) {
  if (auto ok = htcondor::check_plain(line, "a line of 'extra'"); !ok) return ok;
  const std::size_t equals = line.find('=');
  if (equals == std::string::npos || equals == 0 || line.back() == '\\' || line.find("@=") != std::string::npos)
    return bad_option(fmt::format("extra line '{}' is not of the form 'name = value'", line));
  std::string name = lower(line.substr(0, equals));
  std::erase_if(name, [](char c) { return c == ' ' || c == '\t'; });
  constexpr std::array<std::string_view, 7> kForbidden{"queue", "if", "elif", "else", "endif", "include", "use"};
  const std::string first = name.substr(0, name.find_first_of(":("));
  for (const auto word : kForbidden)
    if (first == word || lower(line).starts_with(std::string(word) + " "))
      return bad_option(fmt::format("extra line '{}' may not be a '{}' statement", line, word));
  std::string_view attribute = name;
  if (attribute.starts_with("+")) attribute.remove_prefix(1);
  if (attribute.starts_with("my.")) attribute.remove_prefix(3);
  if (reserved(attribute) || attribute == "periodic_remove")
    return bad_option(fmt::format("extra line '{}' sets what the factory sets itself", line),
                      "use the options of the queue instead");
  return {};
}

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

void user_part(Lines& lines, const Options& o) {
  if (o.has("extra"))
    for (const auto& line : o.list("extra")) {
      lines.check(check_extra(line));
      lines.line(line);
    }
  if (o.has("attributes"))
    for (const auto& [name, value] : o.table("attributes")) {
      lines.check(check_attribute_name(name));
      lines.add("+" + name, submit_expression(value, fmt::format("attribute '{}'", name)));
    }
  if (o.has("request_memory"))
    lines.raw("request_memory", fmt::format("{}M", (o.integer("request_memory") + kMiB - 1) / kMiB));
  if (o.has("request_disk"))
    lines.raw("request_disk", fmt::format("{}K", (o.integer("request_disk") + kKiB - 1) / kKiB));
  if (o.has("request_cpus")) lines.raw("request_cpus", std::to_string(o.integer("request_cpus")));
  if (o.has("accounting_group"))
    lines.add("accounting_group", submit_text(o.text("accounting_group"), "accounting_group"));
  if (o.has("accounting_user"))
    lines.add("accounting_group_user", submit_text(o.text("accounting_user"), "accounting_user"));
}

// An evicted job goes back to idle with NumJobStarts > 0 and would be started anew. Requirements that then match
// nothing keep it from starting at once; periodic_remove takes it out at the schedd's next look (60 s by default).
void rerun_part(Lines& lines, const Options& o) {
  const bool rerun = o.flag("rerun_evicted");
  std::string requirements, remove;
  if (o.has("requirements")) {
    auto wanted = submit_expression(o.text("requirements"), "requirements");
    lines.check(wanted ? Status{} : Status{fail(wanted.error())});
    if (wanted) requirements = fmt::format("({})", *wanted);
  }
  const auto also_remove = [&remove](const std::string& condition) {
    remove += (remove.empty() ? "(" : " || (") + condition + ")";
  };
  if (!rerun) {
    requirements += requirements.empty() ? "" : " && ";
    requirements += "((MY.NumJobStarts ?: 0) == 0)";
    also_remove("JobStatus == 1 && NumJobStarts > 0");
  }
  const auto older_than = [&](const char* option, const char* condition) {
    if (o.has(option) && o.duration(option).count() > 0)
      also_remove(fmt::format("{} && time() - EnteredCurrentStatus > {}", condition,
                              std::chrono::duration_cast<seconds>(o.duration(option)).count()));
  };
  older_than("max_pending_time", "JobStatus == 1");
  older_than("max_held_time", "JobStatus == 5");
  if (!requirements.empty()) lines.raw("requirements", requirements);
  if (!remove.empty()) lines.raw("periodic_remove", remove);
  lines.raw("+APF_RERUN", rerun ? "true" : "false");
}

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

// The list of transfer_input_files has commas as separators and no escapes; names that meet on the node would
// overwrite each other there.
Result<std::string> input_list(const std::string& key_file, const std::vector<std::string>& files) {
  auto key = submit_text(key_file, "the path of the report key");
  if (!key) return key;
  std::string list = *key;
  std::set<std::string> names{protocol::kReportKeyFile};
  for (const auto& file : files) {
    if (!file.starts_with('/') || file.ends_with('/') || file.find_first_of(",\"") != std::string::npos)
      return bad_option(fmt::format("input file '{}' can't be sent", file),
                        "give an absolute path of a file, without commas and quotes");
    if (!names.insert(file.substr(file.rfind('/') + 1)).second)
      return bad_option(fmt::format("input file '{}' has the name of another one", file), "rename it");
    auto path = submit_text(file, fmt::format("input file '{}'", file));
    if (!path) return path;
    list += ", " + *path;
  }
  return list;
}

void files_part(Lines& lines, const protocol::Launch& launch, const Options& o, const Result<std::string>& inputs) {
  lines.raw("should_transfer_files", "YES");
  lines.raw("when_to_transfer_output", "ON_EXIT");
  lines.add("transfer_input_files", inputs);
  lines.raw("transfer_output_files", "\"\"");  // a pilot sends its results elsewhere
  const std::string stem = launch.log_dir + "/" + htcondor::kPilotId;
  lines.add("output", submit_text(stem + ".out", "log_dir"));
  lines.add("error", submit_text(stem + ".err", "log_dir"));
  if (o.flag("job_log")) lines.add("log", submit_text(stem + ".log", "log_dir"));
}

}  // namespace

Result<Described> describe(const SubmitOrder& order, const std::string& key_file,
                           const std::vector<std::string>& input_files) {
  Lines lines;
  check_identity(lines, order);
  const protocol::Launch launch = protocol::launch(order, htcondor::kPilotId, htcondor::kIndex);
  const Options& o = order.queue->submit;
  user_part(lines, o);
  lines.raw("universe", "vanilla");
  lines.add("executable", submit_text(launch.executable, "the executable's path"));
  lines.raw("transfer_executable", "true");
  lines.add("arguments", htcondor::submit_arguments(launch.arguments));
  lines.add("environment", htcondor::submit_environment(launch.environment));
  lines.raw("getenv", "false");
  lines.raw("notification", "never");
  rerun_part(lines, o);
  files_part(lines, launch, o, input_list(key_file, input_files));
  identity_part(lines, order, launch);
  lines.line(fmt::format("queue {}", order.n));
  auto text = lines.take();
  if (!text) return fail(text.error());
  return Described{std::move(*text), launch.log_dir};
}

}  // namespace apf::batch_htcondor
