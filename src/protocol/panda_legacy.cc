#include "protocol/panda_legacy.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "protocol/form.h"
#include "protocol/panda_envelope.h"
#include "protocol/panda_fields.h"
#include "protocol/words.h"

namespace apf::protocol::panda {
namespace {

using json_value::Json;

constexpr std::int64_t kMostAmount = 1'000'000'000'000;
constexpr std::size_t kLongestDiagnosis = 4096;
constexpr std::size_t kMostIds = 10000;
constexpr std::int64_t kAttempts = 10000;                 // of one job: four digits
constexpr std::int64_t kSecrets = INT64_MAX / kAttempts;  // 9.2e14: nobody guesses one within a lease

// A form or a JSON object; members without a value are left out.
Result<Json> read_body(std::string_view body) {
  Json object = Json::object();
  if (body.starts_with('{')) {
    auto json = json_value::parse(body, kBadRequest);
    if (!json) return json;
    if (!json->is_object()) return fail(Kind::permanent, kBadRequest, "expected an object");
    object = std::move(*json);
  } else {
    auto fields = read_form(body);
    if (!fields) return fail(Kind::permanent, kBadRequest, fields.error().what);
    for (auto& [name, value] : *fields) object[name] = std::move(value);
  }
  for (auto it = object.begin(); it != object.end();)
    it = it->is_string() && it->get_ref<const std::string&>().empty() ? object.erase(it) : std::next(it);
  return object;
}

// MB, with a fraction or without; a pilot that does not know sends nothing or something below zero.
std::int64_t amount(Fields& f, std::string_view key) {
  std::optional<double> value;
  f.real(key, value);
  return value ? static_cast<std::int64_t>(std::min(*value, static_cast<double>(kMostAmount))) : 0;
}

// The first text that is there: what a pilot says of a failure is spread over several attributes.
std::string diagnosis(Fields& f, const UpdateRequest& r) {
  std::string text;
  std::string payload;
  f.text("pilotErrorDiag", text, kLongestDiagnosis * 4);
  f.text("exeErrorDiag", payload, kLongestDiagnosis * 4);
  if (text.empty()) text = payload;
  if (r.error_code.value_or(0) != 0)
    text = "pilot error " + std::to_string(*r.error_code) + (text.empty() ? "" : ": ") + text;
  return text.substr(0, kLongestDiagnosis);
}

std::string written(const Json& object, bool as_json) {
  if (as_json) return json_value::dump(object);
  std::vector<FormField> fields;
  for (const auto& [name, value] : object.items())
    fields.emplace_back(name, value.is_string() ? value.get<std::string>() : value.is_null() ? "None" : value.dump());
  return write_form(fields);
}

bool is_url(const std::string& program) { return program.starts_with("http://") || program.starts_with("https://"); }

struct Payload {
  std::string transformation, parameters;
};

Payload payload_of(const JobSpec& spec, std::string_view base) {
  const std::span<const std::string> words(spec.argv);
  if (!words.empty() && is_url(words.front())) return {words.front(), join_words(words.subspan(1))};
  std::vector<std::string> line;
  if (!spec.environment.empty()) line.emplace_back("env");
  for (const auto& [name, value] : spec.environment) line.push_back(name + "=" + value);
  line.insert(line.end(), words.begin(), words.end());
  return {std::string(base) + kRunner, join_words(line)};
}

// Attributes in PanDA's words for "none" and "unknown": what speaks of data and releases.
Json without_data() {
  Json j = Json::object();
  for (const char* key : {"inFiles",        "dispatchDblock", "dispatchDBlockToken",
                          "outFiles",       "prodDBlocks",    "prodDBlockToken",
                          "realDatasets",   "realDatasetsIn", "fileDestinationSE",
                          "logFile",        "logGUID",        "GUID",
                          "checksum",       "fsize",          "scopeIn",
                          "scopeOut",       "scopeLog",       "ddmEndPointIn",
                          "ddmEndPointOut", "destinationSE",  "destinationDblock"})
    j[key] = "";
  for (const char* key : {"swRelease", "dispatchDBlockTokenForOut", "destinationDBlockToken", "cmtConfig",
                          "transferType", "sourceSite", "jobsetID", "reqID", "nucleus"})
    j[key] = "NULL";
  for (const char* key : {"ioIntensity", "ioIntensityUnit"}) j[key] = nullptr;
  j["homepackage"] = "null";
  return j;
}

Json given(const Job& job, std::string_view base) {
  const JobSpec& s = job.spec;
  const Payload payload = payload_of(s, base);
  Json j = without_data();
  j["StatusCode"] = 0;
  j["PandaID"] = job.id;
  j["attemptNr"] = job.attempt;
  j["transformation"] = payload.transformation;
  j["jobPars"] = payload.parameters;
  j["jobName"] = s.name.empty() ? "job-" + std::to_string(job.id) : s.name;
  j["prodSourceLabel"] = s.label;
  j["resource_type"] = s.resource_type;
  j["currentPriority"] = s.priority;
  j["coreCount"] = s.cores;
  j["minRamCount"] = s.memory_mb;
  j["maxDiskCount"] = s.disk_mb;
  j["maxCpuCount"] = s.cputime_s;
  j["maxWalltime"] = s.walltime_s == 0 ? Json("NULL") : Json(s.walltime_s);
  j["jobDefinitionID"] = job.id;
  j["taskID"] = 0;
  j["cloud"] = "";
  j["prodUserID"] = "apf-jobqueue";
  j["processingType"] = "apf-jobqueue";
  j["nSent"] = 0;
  return j;
}

// MB. pilot3 kills a job whose directory is larger, and says that it has at most this much space.
constexpr std::int64_t kAnySize = 100'000'000;

// CRIC's names and types; a missing container_options would end PanDA's shell wrapper.
Json queue_json(const Site& q) {
  return {{"nickname", q.name},
          {"panda_resource", q.name},
          {"siteid", q.name},
          {"site", q.name},
          {"atlas_site", q.name},
          {"gstat", q.name},
          {"state", "ACTIVE"},
          {"status", q.status},
          {"type", "unified"},
          {"resource_type", "grid"},
          {"vo_name", "apf"},
          {"cloud", ""},
          {"corecount", 1},
          {"maxrss", 0},
          {"maxwdir", kAnySize},
          {"maxtime", 0},
          {"maxinputsize", 0},
          {"timefloor", 0},
          {"pledgedcpu", 0},
          {"container_options", ""},
          {"container_type", ""},
          {"catchall", ""},
          {"environ", ""},
          {"appdir", ""},
          {"cmtconfig", ""},
          {"is_cvmfs", false},
          {"allow_lan", true},
          {"allow_wan", false},
          {"direct_access_lan", false},
          {"direct_access_wan", false},
          {"copytools", Json::object()},
          {"acopytools", Json::object()},
          {"astorages", Json::object()},
          {"aprotocols", Json::object()},
          {"params", Json::object()}};
}

// PanDA's shell wrapper looks for single lines.
std::string on_lines(const Json& json) { return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

Result<AcquireRequest> read_get_job(std::string_view body) {
  auto json = read_body(body);
  if (!json) return fail(std::move(json.error()));
  AcquireRequest r;
  r.plain = true;
  Fields f(*json, kBadRequest);
  f.text("siteName", r.site, kLongestName, true);
  f.text("prodSourceLabel", r.label, kLongestName);
  f.text("resourceType", r.resource_type, kLongestName);
  r.memory_mb = amount(f, "mem");
  r.disk_mb = amount(f, "diskSpace");
  f.integer("remaining_time", r.remaining_s, 0, kMostAmount);
  f.text("node", r.node, kLongestName);
  f.text("computingElement", r.computing_element, kLongestName);
  if (!f.ok()) return fail(f.error());
  return r;
}

Result<UpdateRequest> read_update_job(std::string_view body) {
  auto json = read_body(body);
  if (!json) return fail(std::move(json.error()));
  UpdateRequest r;
  std::optional<double> start;
  std::optional<double> end;
  Fields f(*json, kBadRequest);
  f.integer("jobId", r.id, 1, INT64_MAX, true);
  f.text("state", r.status, kLongestName, true);
  f.integer("attemptNr", r.attempt, 0, INT64_MAX, true);
  f.integer("transExitCode", r.exit_code, INT32_MIN, INT32_MAX);
  f.integer("pilotErrorCode", r.error_code, INT32_MIN, INT32_MAX);
  f.real("cpuConsumptionTime", r.cpu_s);
  f.real("startTime", start);
  f.real("endTime", end);
  f.integer("maxRSS", r.max_rss_kb, 0, kMostAmount);
  f.text("node", r.node, kLongestName);
  f.text("siteName", r.site, kLongestName);
  f.text("batchID", r.batch_id, kLongestName);
  f.text("pilotID", r.pilot_id, kLongestDiagnosis);
  r.error_text = diagnosis(f, r);
  if (!f.ok()) return fail(f.error());
  if (start && end && *end >= *start) r.wall_s = *end - *start;
  r.attempt_key = std::to_string(r.attempt);
  return r;
}

Result<std::vector<std::int64_t>> read_get_status(std::string_view body) {
  auto json = read_body(body);
  if (!json) return fail(std::move(json.error()));
  std::string list;
  Fields f(*json, kBadRequest);
  f.text("ids", list, kMostIds * 20, true);
  if (!f.ok()) return fail(f.error());
  std::vector<std::int64_t> ids;
  for (const char *p = list.data(), *const end = p + list.size(); p < end;) {
    std::int64_t id = 0;
    const auto [next, ec] = std::from_chars(p, end, id);
    if (ec != std::errc{} || id < 1 || (next != end && *next != ',') || ids.size() == kMostIds)
      return fail(Kind::permanent, kBadRequest, "'ids' must be at most 10000 job numbers, separated by commas");
    ids.push_back(id);
    p = next == end ? end : next + 1;
  }
  return ids;
}

Result<WorkerStatus> read_worker_status(std::string_view body) {
  auto json = read_body(body);
  if (!json) return fail(std::move(json.error()));
  const bool old = json->contains("workerID");
  WorkerStatus w;
  Fields f(*json, kBadRequest);
  f.text(old ? "harvesterID" : "harvester_id", w.harvester, kLongestName, true);
  f.text(old ? "workerID" : "worker_id", w.worker, kLongestName, true);
  f.text("status", w.status, kLongestName, true);
  f.text("site", w.site, kLongestName);
  f.text("node_id", w.node, kLongestName);
  if (!f.ok()) return fail(f.error());
  return w;
}

Result<WorkerStatus> read_worker_node(std::string_view body) {
  auto json = json_value::parse(body, kBadRequest);
  if (!json) return fail(std::move(json.error()));
  WorkerStatus w;
  Fields f(*json, kBadRequest);
  f.text("site", w.site, kLongestName, true);
  f.text("host_name", w.node, kLongestName, true);
  if (!f.ok()) return fail(f.error());
  return w;
}

std::int64_t legacy_guard(std::string_view random, int attempt) {
  std::uint64_t secret = 0;
  std::from_chars(random.data(), random.data() + std::min<std::size_t>(random.size(), 15), secret, 16);
  const auto within = static_cast<std::int64_t>(secret % static_cast<std::uint64_t>(kSecrets - 1)) + 1;
  return within * kAttempts + attempt % kAttempts;
}

std::string write_given(const Job& job, std::string_view base, bool as_json) {
  return written(given(job, base), as_json);
}

std::string write_given_list(std::span<const Job> jobs, std::string_view base) {
  Json list = Json::array();
  for (const Job& job : jobs) {
    Json j = given(job, base);
    j["apf_lease_s"] = job.lease_s;
    j["apf_attempt_key"] = job.attempt_key;
    j["apf_argv"] = job.spec.argv;
    if (!job.spec.environment.empty()) j["apf_environment"] = job.spec.environment;
    list.push_back(std::move(j));
  }
  return close_envelope(true, "", {{"StatusCode", 0}, {"jobs", std::move(list)}});
}

std::string write_legacy(LegacyCode code, bool as_json, std::string_view why) {
  Json j = {{"StatusCode", static_cast<int>(code)}};
  if (!why.empty()) j["errorDialog"] = why;
  return written(j, as_json);
}

std::string write_legacy_command(std::string_view command, bool as_json) {
  return written({{"StatusCode", 0}, {"command", command.empty() ? "NULL" : command}}, as_json);
}

std::string write_legacy_status(std::span<const JobState> jobs, bool as_json) {
  std::string status;
  std::string attempts;
  for (const JobState& j : jobs) {
    const char* const comma = status.empty() ? "" : ",";
    status += comma + j.status;
    attempts += comma + std::to_string(j.attempt);
  }
  return written({{"StatusCode", 0}, {"status", status}, {"attemptNr", attempts}}, as_json);
}

std::string runner() {
  return "#!/bin/sh\n"
         "# apf-jobqueue gives this to PanDA's pilot as the program of a job: it runs the command line that follows.\n"
         "exec \"$@\"\n";
}

std::string write_queue(const Site& queue) { return on_lines(queue_json(queue)); }

std::string write_queues(std::span<const Site> queues) {
  Json all = Json::object();
  for (const Site& q : queues) all[q.name] = queue_json(q);
  return on_lines(all);
}

}  // namespace apf::protocol::panda
