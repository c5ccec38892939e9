// Jobs of the PanDA codec: as they are submitted and as a pilot gets them.
#include <nlohmann/json.hpp>

#include "protocol/panda.h"
#include "protocol/panda_envelope.h"
#include "protocol/panda_fields.h"
#include "protocol/words.h"

namespace apf::protocol::panda {
namespace {

using json_value::Json;

constexpr std::size_t kLongestText = 64 << 10U;  // of a program, its parameters, one argument
constexpr std::size_t kMostWords = 4096;
constexpr std::size_t kMostVariables = 256;
constexpr std::int64_t kMostAmount = 1'000'000'000'000;

// The exact command line of apf-jobqueue.
void read_exact_argv(const Json& list, Fields& f, std::vector<std::string>& to) {
  if (!list.is_array() || list.empty() || list.size() > kMostWords)
    return f.refuse("'apf_argv' must be a list of 1 to 4096 texts");
  for (const Json& word : list) {
    auto text = json_value::text(word, "apf_argv", kBadRequest, kLongestText);
    if (!text) return f.refuse(std::move(text.error()));
    to.push_back(std::move(*text));
  }
}

// PanDA's way: a program and one string of parameters.
void read_transformation(Fields& f, std::string_view parameters_key, std::vector<std::string>& to) {
  std::string program;
  std::string parameters;
  f.text("transformation", program, kLongestText, true);
  f.text(parameters_key, parameters, kLongestText);
  if (!f.ok()) return;
  auto words = split_words(parameters);
  if (!words) return f.refuse("'" + std::string(parameters_key) + "': " + words.error().what);
  to.push_back(std::move(program));
  to.insert(to.end(), std::make_move_iterator(words->begin()), std::make_move_iterator(words->end()));
}

void read_argv(Fields& f, std::string_view parameters_key, std::vector<std::string>& to) {
  to.clear();
  if (const Json* exact = f.find("apf_argv", false))
    read_exact_argv(*exact, f, to);
  else
    read_transformation(f, parameters_key, to);
  if (f.ok() && to.front().empty()) f.refuse("the program of a job must not be empty");
}

void read_environment(Fields& f, std::map<std::string, std::string>& to) {
  const Json* table = f.find("apf_environment", false);
  if (table == nullptr) return;
  if (!table->is_object() || table->size() > kMostVariables)
    return f.refuse("'apf_environment' must be an object of at most 256 texts");
  for (const auto& [name, value] : table->items()) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos)
      return f.refuse("'apf_environment': the name of a variable is empty or holds '=' or a zero byte");
    auto text = json_value::text(value, name, kBadRequest, kLongestText);
    if (!text) return f.refuse(std::move(text.error()));
    to[name] = std::move(*text);
  }
}

// The attributes that a JobSpec and a pilot's job call by the same names.
void read_common(Fields& f, JobSpec& s) {
  f.text("jobName", s.name, kLongestName);
  f.text("prodSourceLabel", s.label, kLongestName);
  f.text("resource_type", s.resource_type, kLongestName);
  f.integer("currentPriority", s.priority, -1'000'000'000, 1'000'000'000);
  f.integer("coreCount", s.cores, 0, 1'000'000);
  f.integer("minRamCount", s.memory_mb, 0, kMostAmount);
  f.integer("maxDiskCount", s.disk_mb, 0, kMostAmount);
  f.integer("maxCpuCount", s.cputime_s, 0, kMostAmount);
  f.integer("maxWalltime", s.walltime_s, 0, kMostAmount);
  read_environment(f, s.environment);
}

Json common_json(const JobSpec& s, const char* parameters_key) {
  const std::span<const std::string> words(s.argv);
  Json j = {{"jobName", s.name},
            {"prodSourceLabel", s.label},
            {"resource_type", s.resource_type},
            {"currentPriority", s.priority},
            {"coreCount", s.cores},
            {"minRamCount", s.memory_mb},
            {"maxDiskCount", s.disk_mb},
            {"maxCpuCount", s.cputime_s},
            {"maxWalltime", s.walltime_s},
            {"transformation", s.argv.empty() ? "" : s.argv.front()},
            {parameters_key, join_words(words.subspan(words.empty() ? 0 : 1))},
            {"apf_argv", s.argv}};
  if (!s.environment.empty()) j["apf_environment"] = s.environment;
  return j;
}

Json spec_json(const JobSpec& s) {
  Json j = common_json(s, "jobParameters");
  j["computingSite"] = s.site;
  j["maxAttempt"] = s.max_attempts;
  return j;
}

Result<JobSpec> read_spec(const Json& json) {
  JobSpec s;
  Fields f(json, kBadRequest);
  if (f.ok()) {
    f.text("computingSite", s.site, kLongestName, true);
    f.integer("maxAttempt", s.max_attempts, 1, 1000);
    read_common(f, s);
    read_argv(f, "jobParameters", s.argv);
    if (f.ok() && (s.label.empty() || s.resource_type.empty()))
      f.refuse("'prodSourceLabel' and 'resource_type' must not be empty");
  }
  if (!f.ok()) return fail(f.error());
  return s;
}

Result<Job> read_job(const Json& json) {
  Job job;
  Fields f(json, kBadReply);
  if (f.ok()) {
    f.integer("PandaID", job.id, 1, INT64_MAX, true);
    f.integer("attemptNr", job.attempt, 0, INT64_MAX);
    f.integer("apf_lease_s", job.lease_s, 0, kMostAmount);
    f.text("apf_attempt_key", job.attempt_key, kLongestName);
    read_common(f, job.spec);
    read_argv(f, "jobPars", job.spec.argv);
  }
  if (!f.ok()) return fail(f.error());
  return job;
}

}  // namespace

std::string write_submit(const SubmitRequest& request) {
  Json jobs = Json::array();
  for (const JobSpec& s : request.jobs) jobs.push_back(spec_json(s));
  Json body = {{"jobs", json_value::dump(jobs)}};  // PanDA wants the list as a string
  if (!request.request_id.empty()) body["apf_request_id"] = request.request_id;
  return json_value::dump(body);
}

Result<SubmitRequest> read_submit(std::string_view body, std::size_t most_jobs) {
  auto json = json_value::parse(body, kBadRequest);
  if (!json) return fail(std::move(json.error()));
  SubmitRequest request;
  Fields f(*json, kBadRequest);
  if (f.ok()) f.text("apf_request_id", request.request_id, kLongestName);
  const Json* jobs = f.find("jobs", true);
  if (jobs == nullptr) return fail(f.error());
  Json inner;
  if (jobs->is_string()) {
    auto parsed = json_value::parse(jobs->get_ref<const std::string&>(), kBadRequest);
    if (!parsed) return fail(Kind::permanent, kBadRequest, "'jobs': " + parsed.error().what);
    inner = std::move(*parsed);
    jobs = &inner;
  }
  if (!jobs->is_array() || jobs->empty())
    return fail(Kind::permanent, kBadRequest, "'jobs' must be a list of at least one job");
  if (jobs->size() > most_jobs)
    return fail(Kind::permanent, kBadRequest,
                "'jobs' has " + std::to_string(jobs->size()) + " jobs, at most " + std::to_string(most_jobs) +
                    " are taken at once");
  request.jobs.reserve(jobs->size());
  for (const Json& j : *jobs) {
    auto spec = read_spec(j);
    if (!spec)
      return fail(Kind::permanent, kBadRequest,
                  "job " + std::to_string(request.jobs.size()) + " of the list: " + spec.error().what);
    request.jobs.push_back(std::move(*spec));
  }
  return request;
}

Result<JobSpec> read_job_spec(std::string_view json) {
  auto parsed = json_value::parse(json, kBadRequest);
  if (!parsed) return fail(std::move(parsed.error()));
  return read_spec(*parsed);
}

std::string write_job_spec(const JobSpec& spec) { return json_value::dump(spec_json(spec)); }

std::string write_submitted(std::span<const std::int64_t> ids) {
  Json data = Json::array();
  for (const std::int64_t id : ids) data.push_back({id, 0, Json::object()});  // PandaID, job definition, others
  return close_envelope(true, "", data);
}

Result<std::vector<std::int64_t>> read_submitted(int http_status, std::string_view body) {
  const auto data = open_envelope(http_status, body, Kind::uncertain);
  if (!data) return fail(data.error());
  if (!data->is_array()) return fail(Kind::uncertain, kBadReply, "the reply to a submission is not a list");
  std::vector<std::int64_t> ids;
  for (const Json& row : *data) {
    const Json& first = row.is_array() && !row.empty() ? row.front() : row;
    auto id = json_value::integer(first, "PandaID", kBadReply, 1, INT64_MAX);
    if (!id) return fail(Kind::uncertain, kBadReply, id.error().what);
    ids.push_back(*id);
  }
  return ids;
}

std::string write_acquired(std::span<const Job> jobs) {
  Json list = Json::array();
  for (const Job& job : jobs) {
    Json j = common_json(job.spec, "jobPars");
    j["StatusCode"] = 0;
    j["PandaID"] = job.id;
    j["attemptNr"] = job.attempt;
    if (job.lease_s > 0) j["apf_lease_s"] = job.lease_s;
    if (!job.attempt_key.empty()) j["apf_attempt_key"] = job.attempt_key;
    list.push_back(std::move(j));
  }
  return close_envelope(true, "", {{"StatusCode", 0}, {"jobs", std::move(list)}});
}

std::string write_no_jobs() { return write_failure("No jobs in PanDA"); }

Result<std::vector<Job>> read_acquired(int http_status, std::string_view body) {
  const auto data = open_envelope(http_status, body, Kind::uncertain);
  if (!data) return fail(data.error());
  const bool list = data->is_object() && data->contains("jobs") && (*data)["jobs"].is_array();
  if (!list) return fail(Kind::uncertain, kBadReply, "the reply to acquire_jobs has no list 'jobs'");
  std::vector<Job> jobs;
  for (const Json& j : (*data)["jobs"]) {
    auto job = read_job(j);
    if (!job) return fail(Kind::uncertain, kBadReply, "a job of the reply can't be read: " + job.error().what);
    jobs.push_back(std::move(*job));
  }
  if (jobs.empty()) return fail(Kind::transient, "panda.no_jobs", "No jobs in PanDA");
  return jobs;
}

}  // namespace apf::protocol::panda
