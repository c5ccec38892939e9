#include "wrapper/jobs/verdict.h"

#include <fmt/format.h>

#include <csignal>
#include <cstring>

#include "wrapper/exit_codes.h"
#include "wrapper/signals.h"

namespace apf::wrapper {
namespace {

// Error codes of PanDA's pilot, which its server and monitor know.
enum PilotError : std::int64_t {
  kKilledByServer = 1144,
  kNoLocalSpace = 1098,
  kDirectoryTooLarge = 1104,
  kOutputTooLarge = 1106,
  kLooping = 1150,
  kKillSignal = 1200,
  kSigterm = 1201,
  kSigquit = 1202,
  kSigxcpu = 1204,
  kSigint = 1208,
  kKilledForMemory = 1212,
  kOutOfTime = 1213,
  kOutOfMemory = 1235,
  kPayloadFailed = 1305,
  kPilotProblem = 1319,
  kNotFound = 1346,
  kLeaseOver = 1375,
};

struct Diagnosis {
  std::int64_t code;
  std::string text;
};

std::int64_t code_of(int signal) {
  switch (signal) {
    case SIGTERM: return kSigterm;
    case SIGINT: return kSigint;
    case SIGQUIT: return kSigquit;
    case SIGXCPU: return kSigxcpu;
    default: return kKillSignal;
  }
}

Diagnosis of_payload(const Outcome& o) {
  if (o.start_error != 0)
    return {kNotFound, fmt::format("the payload could not be started: {}", std::strerror(o.start_error))};
  if (o.signal == SIGKILL && o.oom > 0)
    return {kKilledForMemory, "the kernel killed the payload for lack of memory in its cgroup"};
  if (o.signal != 0) return {kPayloadFailed, fmt::format("the payload was ended by signal {}", o.signal)};
  return {kPayloadFailed, fmt::format("the payload ended with exit code {}", o.exit_code)};
}

Diagnosis diagnose(const protocol::panda::Job& job, const Outcome& o, int told_by, const std::string& command) {
  switch (o.reason) {
    case Reason::exited: return of_payload(o);
    case Reason::told:
      if (told_by == 0) return {kKilledByServer, "ended on the word of the WMS: " + command};
      return {code_of(told_by), fmt::format("the pilot was told to end by {}", signals::name(told_by))};
    case Reason::wall: return {kOutOfTime, fmt::format("over its wall time of {} s", job.spec.walltime_s)};
    case Reason::cpu: return {kSigxcpu, fmt::format("over its CPU time of {} s", job.spec.cputime_s)};
    case Reason::memory:
      return {kOutOfMemory, fmt::format("over its memory of {} MB: {} MB", job.spec.memory_mb, o.rss_kb / 1024)};
    case Reason::lease: return {kLeaseOver, "the lease could not be renewed in time"};
    case Reason::output: return {kOutputTooLarge, "its output is too large for the disk"};
    case Reason::disk: return {kNoLocalSpace, "it filled the disk"};
    case Reason::scratch: return {kDirectoryTooLarge, "its directory takes more of the disk than it may"};
    case Reason::stuck: return {kLooping, "neither output nor heartbeat for too long"};
    case Reason::orphaned:
    case Reason::guardian: break;
  }
  return {kPilotProblem, "the payload's guardian was killed"};
}

}  // namespace

protocol::panda::UpdateRequest last_update(const protocol::panda::Job& job, const Outcome& o, int told_by,
                                           const std::string& command) {
  protocol::panda::UpdateRequest r;
  r.id = job.id;
  r.status = "finished";
  r.attempt = job.attempt;
  r.attempt_key = job.attempt_key;
  r.exit_code = o.signal != 0 ? kBySignal + o.signal : o.exit_code;
  r.cpu_s = std::chrono::duration<double>(o.cpu).count();
  r.wall_s = std::chrono::duration<double>(o.wall).count();
  if (o.rss_kb > 0) r.max_rss_kb = o.rss_kb;
  if (o.reason == Reason::exited && o.exit_code == 0) return r;
  r.status = "failed";
  const Diagnosis d = diagnose(job, o, told_by, command);
  r.error_code = d.code;
  r.error_text = d.text;
  return r;
}

}  // namespace apf::wrapper
