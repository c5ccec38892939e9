// What PanDA is told of one pilot.
#include "monitor/log_urls.h"
#include "panda.h"

namespace apf::panda {
namespace {

constexpr const char* kAny = "ANY";  // PanDA's word where a queue serves several

std::string only_or_any(const std::vector<std::string>& list) { return list.size() == 1 ? list.front() : kAny; }

// Where the batch system sends it, by the names that batch plug-ins have for that.
std::string computing_element(const QueueSpec& spec) {
  for (const char* option : {"remote_pool", "remote_schedd", "arc_url", "batch_login"})
    if (spec.submit.has(option)) return spec.submit.text(option);
  return spec.batch;
}

}  // namespace

const char* worker_status(PilotState state, std::int32_t exit_code) {
  switch (state) {
    case PilotState::pending:
    case PilotState::held:
    case PilotState::unknown: return "submitted";
    case PilotState::running:
    case PilotState::transferring: return "running";
    case PilotState::suspended: return "idle";
    case PilotState::done: return exit_code > 0 ? "failed" : "finished";
    case PilotState::failed: return "failed";
    case PilotState::removed: return "cancelled";
  }
  return "submitted";
}

protocol::panda::Worker worker_of(const FactoryIdentity& me, const PilotNote& note, std::int64_t first_worker) {
  protocol::panda::Worker w;
  w.id = first_worker + static_cast<std::int64_t>(note.no);
  w.status = worker_status(note.state, note.exit_code);
  w.batch_id = note.batch_id;
  w.queue = note.queue;
  w.node = note.node;
  w.native_status = name(note.state);
  w.message = note.reason;
  w.submitted = note.submitted;
  w.started = note.started;
  if (ended(note.state)) w.ended = note.at;
  if (note.exit_code >= 0) w.exit_code = note.exit_code;
  if (!note.spec) return w;
  const QueueSpec& spec = *note.spec;
  w.site = spec.wms_queue;
  w.label = only_or_any(spec.job_labels);
  w.resource_type = only_or_any(spec.resource_types);
  w.computing_element = computing_element(spec);
  if (spec.submit.has("request_cpus")) w.cores = spec.submit.integer("request_cpus");
  const std::string logs = monitoring::log_urls(me, note);
  if (logs.empty()) return w;
  w.out_url = logs + ".out";
  w.err_url = logs + ".err";
  w.log_url = logs + ".log";
  return w;
}

}  // namespace apf::panda
