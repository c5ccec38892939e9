#include "flavour_lines.h"

#include <fmt/format.h>

#include <string_view>

#include "avoid.h"
#include "htcondor/text.h"

namespace apf::batch_htcondor {
namespace {

using htcondor::submit_expression;
using htcondor::submit_string;
using htcondor::submit_text;

// An evicted job goes back to idle with NumJobStarts > 0 and would be started anew. Requirements that then match
// nothing keep it from starting at once; periodic_remove takes it out at the schedd's next look (60 s by default).
constexpr const char* kNotStarted = "(MY.NumJobStarts ?: 0) == 0";
constexpr const char* kEvicted = "JobStatus == 1 && NumJobStarts > 0";
// A job whose remote twin was evicted and removed is held ("disappeared"); released, it would run again. NumJobStarts
// is copied from the twin at times that nobody can tell, so it proves nothing here.
constexpr const char* kRemoteEvicted = "JobStatus == 5 && (JobCurrentStartDate ?: JobStartDate) =!= undefined";

void removal_part(Lines& lines, Flavour flavour, const Options& o) {
  Expression remove("||");
  const bool rerun = o.flag("rerun_evicted");
  if (!rerun && flavour == Flavour::vanilla) remove.add(kEvicted);
  if (!rerun && flavour == Flavour::condor) remove.add(kRemoteEvicted);
  if (o.has("periodic_remove"))
    remove.add_given(lines, submit_expression(o.text("periodic_remove"), "periodic_remove"));
  const auto older_than = [&](const char* option, const char* condition) {
    if (o.has(option) && o.duration(option).count() > 0)
      remove.add(fmt::format("{} && time() - EnteredCurrentStatus > {}", condition, whole_seconds(o, option)));
  };
  older_than("max_pending_time", "JobStatus == 1");
  older_than("max_held_time", "JobStatus == 5");
  if (!remove.text().empty()) lines.raw("periodic_remove", remove.text());
}

void vanilla_part(Lines& lines, const Options& o, const SubmitOrder& order) {
  Expression requirements("&&");
  if (o.has("requirements")) requirements.add_given(lines, submit_expression(o.text("requirements"), "requirements"));
  if (!o.flag("rerun_evicted")) requirements.add(kNotStarted);
  if (order.queue->exclude_nodes) {
    requirements.add(kNotAvoided);
    lines.raw("+APF_AVOID", '"' + node_list(order.avoid_nodes) + '"');
  }
  if (!requirements.text().empty()) lines.raw("requirements", requirements.text());
  if (o.has("concurrency_limits")) {
    std::string limits;
    for (const auto& limit : o.list("concurrency_limits")) {
      if (!htcondor::is_word(limit, "._:"))
        lines.check(bad_option(fmt::format("concurrency limit '{}' is no name", limit), "NAME or NAME:UNITS"));
      limits += (limits.empty() ? "" : ",") + limit;
    }
    if (!limits.empty()) lines.raw("concurrency_limits", limits);
  }
  lines.raw("+APF_RERUN", o.flag("rerun_evicted") ? "true" : "false");
}

// The remote job gets all attributes of ours; "remote_" replaces one there. It must not be taken for a pilot of its
// own by a view of the remote schedd, and is as little run again as a vanilla one.
void condor_part(Lines& lines, const Options& o, const FactoryIdentity& me) {
  const bool rerun = o.flag("rerun_evicted");
  attribute_lines(lines, o, "remote_attributes", "remote_");
  if (o.has("wall_time")) lines.raw("+maxWallTime", std::to_string((whole_seconds(o, "wall_time") + 59) / 60));
  Expression requirements("&&");
  if (o.has("requirements")) requirements.add_given(lines, submit_expression(o.text("requirements"), "requirements"));
  if (!rerun) {
    requirements.add(kNotStarted);
    lines.raw("+remote_PeriodicRemove", kEvicted);
  }
  if (!requirements.text().empty()) lines.raw("+remote_Requirements", requirements.text());
  lines.add("+remote_APF_FACTORY_ID", submit_string("remote twin of " + me.factory_id, "the factory's id"));
  lines.raw("+APF_RERUN", "true");  // an idle job may have run to its end already: it must not be shown as evicted
}

// A name within the XML of ARC's job description.
Result<std::string> arc_word(const std::string& value, const char* option) {
  if (value.empty() || value.find_first_of("<>&\"'") != std::string::npos)
    return bad_option(fmt::format("{} '{}' is no name", option, value));
  return submit_text(value, option);
}

// HTCondor itself tells the CE request_cpus and request_memory.
void arc_part(Lines& lines, const Options& o) {
  std::string resources;
  if (o.has("arc_queue")) {
    if (const auto queue = lines.checked(arc_word(o.text("arc_queue"), "arc_queue")))
      resources += fmt::format("<QueueName>{}</QueueName>", *queue);
  }
  if (o.has("wall_time")) resources += fmt::format("<WallTime>{}</WallTime>", whole_seconds(o, "wall_time"));
  if (!resources.empty()) lines.raw("arc_resources", resources);
  if (o.has("arc_rte")) {
    std::string all;
    for (const auto& rte : o.list("arc_rte")) {
      const auto one = lines.checked(arc_word(rte, "arc_rte"));
      if (rte.find(',') != std::string::npos) lines.check(bad_option(fmt::format("arc_rte '{}' is no name", rte)));
      if (one) all += (all.empty() ? "" : ",") + *one;
    }
    if (!all.empty()) lines.raw("arc_rte", all);
  }
  lines.raw("+APF_RERUN", "true");  // nobody else starts a job of a CE again: no job is an evicted one
}

// What keeps a batch system from starting a job again after its node failed.
const char* no_rerun(const std::string& system) {
  if (system == "slurm") return "--no-requeue";
  return system == "lsf" ? "-rn" : "-r n";
}

void batch_part(Lines& lines, const Options& o) {
  text_line(lines, o, "batch_queue", "batch_queue");
  text_line(lines, o, "batch_project", "batch_project");
  if (o.has("wall_time")) lines.raw("batch_runtime", std::to_string(whole_seconds(o, "wall_time")));
  if (o.has("request_cpus")) {  // BLAHP knows cores by these names only: all on one node
    const std::string cores = std::to_string(o.integer("request_cpus"));
    lines.raw("+NodeNumber", cores);
    lines.raw("+HostNumber", "1");
    lines.raw("+SMPGranularity", cores);
  }
  std::string arguments = o.flag("rerun_evicted") ? "" : no_rerun(o.text("batch_system"));
  if (o.has("batch_arguments")) {
    // they end up in a script that a shell of the batch system's host reads
    const std::string& given = o.text("batch_arguments");
    if (given.find_first_of("\"'`$\\;|&<>(){}#") != std::string::npos)
      lines.check(bad_option("batch_arguments holds what means something to a shell", "plain arguments only"));
    if (const auto text = lines.checked(submit_text(given, "batch_arguments")))
      arguments += (arguments.empty() ? "" : " ") + *text;
  }
  if (!arguments.empty()) lines.raw("batch_extra_submit_args", arguments);
  lines.raw("+APF_RERUN", "true");  // the batch system's own affair, and invisible to HTCondor
}

}  // namespace

void flavour_lines(Lines& lines, Flavour flavour, const SubmitOrder& order) {
  const Options& o = order.queue->submit;
  removal_part(lines, flavour, o);
  switch (flavour) {
    case Flavour::vanilla: return vanilla_part(lines, o, order);
    case Flavour::condor: return condor_part(lines, o, *order.me);
    case Flavour::arc: return arc_part(lines, o);
    case Flavour::batch: return batch_part(lines, o);
  }
}

}  // namespace apf::batch_htcondor
