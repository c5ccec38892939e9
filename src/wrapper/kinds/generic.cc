#include "wrapper/kinds/generic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "wrapper/exit_codes.h"
#include "wrapper/jobs/heartbeat.h"
#include "wrapper/jobs/lease.h"
#include "wrapper/jobs/verdict.h"
#include "wrapper/log.h"
#include "wrapper/payload/limits.h"
#include "wrapper/payload/output.h"
#include "wrapper/payload/payload.h"
#include "wrapper/payload/watch.h"
#include "wrapper/signals.h"

namespace apf::wrapper {
namespace {

using protocol::panda::Job;

std::string title(const Job& job) { return fmt::format("job {} attempt {}", job.id, job.attempt); }

GuardSettings settings_of(const Wms::Acquired& acquired, const Options& options, const std::string& directory,
                          const std::string& scratch) {
  const Job& job = acquired.job;
  GuardSettings s{.directory = directory,
                  .out = directory + "/payload.out",
                  .err = directory + "/payload.err",
                  .scratch = scratch,
                  .wall = seconds{job.spec.walltime_s},
                  .grace = options.grace.value_or(seconds{10}),
                  .argv = job.spec.argv};
  // Only a job queue of ours means limits by these fields: to PanDA they are estimates that brokerage works with.
  if (job.lease_s > 0) {
    s.cpu = seconds{job.spec.cputime_s};
    s.memory_kb = job.spec.memory_mb * 1024;
  }
  limit(s, options.running);
  if (job.lease_s == 0) return s;
  s.dead_by = dead_by(acquired.request_left, seconds{job.lease_s});
  s.grace = std::min<Duration>(s.grace, seconds{job.lease_s} / 10);
  return s;
}

std::map<std::string, std::string> environment_of(const Job& job, const std::string& directory) {
  std::map<std::string, std::string> e = job.spec.environment;
  e["APF_JOB_ID"] = e["PandaID"] = std::to_string(job.id);
  e["APF_JOB_NAME"] = job.spec.name;
  e["APF_JOB_ATTEMPT"] = std::to_string(job.attempt);
  e["APF_JOB_CORES"] = std::to_string(job.spec.cores);
  e["TMPDIR"] = directory;
  e["APF_HEARTBEAT_FILE"] = directory + "/heartbeat";
  return e;
}

}  // namespace

Generic::Generic(const Surroundings& around)
    : options_(around.options),
      wms_(around.options, around.token, around.node, signals::ending()),
      reporter_(around.reporter),
      scratch_(around.scratch),
      born_(mono_now()),
      output_left_(kOutputCap) {}

Summary Generic::run() {
  while (may_go_on() && next_job()) {
  }
  return summary_;
}

void Generic::end(int rc, std::string reason) {
  if (over_) return;  // the first reason is the reason
  over_ = true;
  summary_.rc = rc;
  summary_.reason = std::move(reason);
}

bool Generic::may_go_on() {
  if (signals::ending()) end(kBySignal + signals::last_ending(), signals::name(signals::last_ending()));
  if (mono_now() - born_ >= options_.lifetime) end(kDone, "lifetime");
  if (options_.max_jobs > 0 && summary_.payloads >= options_.max_jobs) end(kDone, "most jobs");
  return !over_;
}

bool Generic::next_job() {
  const auto acquired = wms_.acquire(scratch_.free_mb());
  if (acquired)
    run_job(*acquired);
  else
    acquire_failed(acquired.error());
  return acquired.has_value();
}

void Generic::acquire_failed(const Error& e) {
  if (e.code == "wrapper.stopped") return void(may_go_on());
  if (e.code == "panda.no_jobs") {
    log(Level::info, "no work");
    return end(kDone, "no work");
  }
  log(Level::error, e.text());
  if (e.code == "wrapper.no_curl") return end(kNodeFault, e.what);
  end(e.code == "wrapper.refused_credential" ? kCredential : kWmsFault, e.what);
}

void Generic::run_job(const Wms::Acquired& acquired) {
  const Job& job = acquired.job;
  log(Level::info,
      fmt::format("{}{}{}: {}", title(job), job.spec.name.empty() ? "" : " of ", job.spec.name, job.spec.argv.front()));
  const auto directory = scratch_.job_directory(fmt::format("job-{}-{}", job.id, job.attempt));
  std::string command;
  Mono lease_end;
  if (job.lease_s > 0) lease_end = acquired.request_left + seconds{job.lease_s};
  Result<Outcome> outcome;
  if (directory)
    outcome = run_payload(acquired, *directory, command, lease_end);
  else
    outcome = fail(directory.error());
  if (!outcome) {  // the node's fault, not the payload's: another pilot shall try this job
    log(Level::error, outcome.error().text());
    end(kNodeFault, outcome.error().what);
    outcome = Outcome{.reason = Reason::guardian, .start_error = EIO};
  }
  tell_end(acquired, *outcome, command, lease_end);
  if (!directory) return;
  for (const char* stream : {"out", "err"}) {
    const std::string file = *directory + "/payload." + stream;
    output_left_ -= copy_output(file, title(job) + ", payload." + stream, std::max(output_left_, kOutputLeast));
  }
  if (!remove_tree(*directory)) log(Level::warning, "something is left in " + *directory);
}

Result<Outcome> Generic::run_payload(const Wms::Acquired& acquired, const std::string& directory, std::string& command,
                                     Mono& lease_end) {
  const auto payload = Payload::start(settings_of(acquired, options_, directory, scratch_.path()),
                                      environment_of(acquired.job, directory));
  if (!payload) return fail(payload.error());
  if (summary_.ids.size() < kMostIds) summary_.ids.push_back(acquired.job.id);
  if (summary_.payloads++ == 0) {
    protocol::apfmon::Report started;
    started.payloads = 1;
    started.payload_started = true;
    reporter_.report(started);
  }
  Heartbeat heartbeat(wms_, acquired, **payload);
  const Watched watched = watch(**payload);
  told_by_ = watched.told_by;
  heartbeat.stop();
  command = heartbeat.kill_command();
  lease_end = heartbeat.lease_end();
  return watched.outcome;
}

void Generic::tell_end(const Wms::Acquired& acquired, const Outcome& outcome, const std::string& command,
                       Mono lease_end) {
  const auto update = last_update(acquired.job, outcome, told_by_, command);
  log(Level::info,
      fmt::format("{}: {} exit={} reason={} wall={:.3f}s cpu={:.3f}s rss={}kB left_behind={}{}{}", title(acquired.job),
                  update.status, *update.exit_code, name(outcome.reason), *update.wall_s, *update.cpu_s, outcome.rss_kb,
                  outcome.left, update.error_text.empty() ? "" : ": ", update.error_text));
  summary_.payload_wall += outcome.wall;
  summary_.payload_cpu += outcome.cpu;
  summary_.left_behind += outcome.left;
  if (update.status != "finished") ++summary_.failed;
  if (command == "badattemptnr" || command == "alreadydone") return;  // the WMS has done with this attempt
  // A batch system that has sent a signal kills soon; else the result is worth waiting for a server that restarts.
  const Mono now = mono_now();
  const Mono until = signals::ending() ? now + seconds{5} : std::max(lease_end, now + options_.patience);
  const auto told = wms_.update_until(update, until);
  if (!told) {
    log(Level::error, "the end of the job could not be told: " + told.error().text());
    if (may_go_on()) end(kWmsFault, told.error().what);
    return;
  }
  if (!told->reply.accepted()) log(Level::warning, "the WMS had this attempt closed already: " + told->reply.command);
}

}  // namespace apf::wrapper
