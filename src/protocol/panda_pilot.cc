// A pilot's requests of the PanDA codec: acquire_jobs and update_job.
#include <cmath>
#include <nlohmann/json.hpp>

#include "protocol/panda.h"
#include "protocol/panda_envelope.h"
#include "protocol/panda_fields.h"

namespace apf::protocol::panda {
namespace {

using json_value::Json;

constexpr std::int64_t kMostAmount = 1'000'000'000'000;
constexpr std::size_t kLongestDiagnosis = 4096;

template <class T>
void put(Json& j, const char* key, const T& value) {
  if (value != T{}) j[key] = value;
}
template <class T>
void put(Json& j, const char* key, const std::optional<T>& value) {
  if (value) j[key] = *value;
}

}  // namespace

std::string write_acquire(const AcquireRequest& r) {
  Json j = {{"site_name", r.site}, {"n_jobs", r.n_jobs}};
  put(j, "prod_source_label", r.label);
  put(j, "resource_type", r.resource_type);
  put(j, "memory", r.memory_mb);
  put(j, "disk_space", r.disk_mb);
  put(j, "remaining_time", r.remaining_s);
  put(j, "node", r.node);
  put(j, "computing_element", r.computing_element);
  put(j, "scheduler_id", r.scheduler_id);
  put(j, "apf_request_id", r.request_id);
  return json_value::dump(j);
}

Result<AcquireRequest> read_acquire(std::string_view body) {
  auto json = json_value::parse(body, kBadRequest);
  if (!json) return fail(std::move(json.error()));
  AcquireRequest r;
  Fields f(*json, kBadRequest);
  if (f.ok()) {
    f.text("site_name", r.site, kLongestName, true);
    f.text("prod_source_label", r.label, kLongestName);
    f.text("resource_type", r.resource_type, kLongestName);
    f.integer("memory", r.memory_mb, 0, kMostAmount);
    f.integer("disk_space", r.disk_mb, 0, kMostAmount);
    f.integer("remaining_time", r.remaining_s, 0, kMostAmount);
    f.integer("n_jobs", r.n_jobs, 1, 1000);
    f.text("node", r.node, kLongestName);
    f.text("computing_element", r.computing_element, kLongestName);
    f.text("scheduler_id", r.scheduler_id, kLongestName);
    f.text("apf_request_id", r.request_id, kLongestName);
  }
  if (!f.ok()) return fail(f.error());
  return r;
}

std::string write_update(const UpdateRequest& r) {
  Json j = {{"job_id", r.id}, {"job_status", r.status}};
  put(j, "attempt_nr", r.attempt);
  put(j, "trans_exit_code", r.exit_code);
  put(j, "pilot_error_code", r.error_code);
  put(j, "pilot_error_diag", r.error_text.substr(0, kLongestDiagnosis));
  put(j, "max_rss", r.max_rss_kb);
  put(j, "node", r.node);
  put(j, "site_name", r.site);
  put(j, "batch_id", r.batch_id);
  put(j, "pilot_id", r.pilot_id);
  if (r.cpu_s) j["cpu_consumption_time"] = std::llround(*r.cpu_s);
  if (!r.attempt_key.empty()) {  // a job queue of ours: it takes more than PanDA does
    j["apf_attempt_key"] = r.attempt_key;
    put(j, "apf_cpu_s", r.cpu_s);
    put(j, "apf_wall_s", r.wall_s);
  }
  return json_value::dump(j);
}

Result<UpdateRequest> read_update(std::string_view body) {
  auto json = json_value::parse(body, kBadRequest);
  if (!json) return fail(std::move(json.error()));
  UpdateRequest r;
  Fields f(*json, kBadRequest);
  if (f.ok()) {
    f.integer("job_id", r.id, 1, INT64_MAX, true);
    f.text("job_status", r.status, kLongestName, true);
    f.integer("attempt_nr", r.attempt, 0, INT64_MAX);
    f.text("apf_attempt_key", r.attempt_key, kLongestName);
    f.integer("trans_exit_code", r.exit_code, INT32_MIN, INT32_MAX);
    f.integer("pilot_error_code", r.error_code, INT32_MIN, INT32_MAX);
    f.text("pilot_error_diag", r.error_text, kLongestDiagnosis);
    f.real("cpu_consumption_time", r.cpu_s);
    f.real("apf_cpu_s", r.cpu_s);
    f.real("apf_wall_s", r.wall_s);
    f.integer("max_rss", r.max_rss_kb, 0, kMostAmount);
    f.text("node", r.node, kLongestName);
    f.text("site_name", r.site, kLongestName);
    f.text("batch_id", r.batch_id, kLongestName);
    f.text("pilot_id", r.pilot_id, kLongestName);
  }
  if (!f.ok()) return fail(f.error());
  return r;
}

std::string write_updated(const UpdateReply& reply) {
  Json data = {{"StatusCode", 0}, {"command", reply.command.empty() ? "NULL" : reply.command}};
  put(data, "apf_lease_s", reply.lease_s);
  return close_envelope(true, reply.message, data);
}

Result<UpdateReply> read_updated(int http_status, std::string_view body) {
  const auto data = open_envelope(http_status, body, Kind::uncertain);
  if (!data) return fail(data.error());
  UpdateReply reply;
  std::int64_t code = 0;
  Fields f(*data, kBadReply);
  if (f.ok()) {
    f.integer("StatusCode", code, INT32_MIN, INT32_MAX);
    f.text("command", reply.command, kLongestName);
    f.integer("apf_lease_s", reply.lease_s, 0, kMostAmount);
  }
  if (!f.ok()) return fail(Kind::uncertain, kBadReply, f.error().what);
  if (code != 0)  // 10 is a timeout, 30 a database failure: the update may have been stored
    return fail(Kind::uncertain, "panda.refused", "the server answered StatusCode " + std::to_string(code));
  return reply;
}

}  // namespace apf::protocol::panda
