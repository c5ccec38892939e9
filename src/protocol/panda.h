// Codec of the part of PanDA's /api/v1 that a pilot factory needs. One codec for the WMS plug-in, the wrapper and the
// embedded job queue, so that the three can't drift apart.
//
// Protocol: PanDAWMS/panda-server 1.0, pandaserver/api/v1 (statistics, metaconfig, pilot, job). Every reply is an
// envelope {"success", "message", "data"}; failures come with HTTP 200 and success=false; the content type is always
// text/plain and says nothing. Names that begin with apf_ are extensions of apf-jobqueue: a PanDA server refuses
// unknown arguments, so they are left out while they are empty.
//
// Reading is forgiving where real servers are sloppy (numbers as strings, missing keys, extra keys, a proxy's HTML
// error page) and strict about nonsense (negative counts, a list where an object belongs).
// Errors of the read functions: "panda.http" (status is not 200), "panda.no_method" (a PanDA server that does not have
// this call, in its own words), "panda.not_json", "panda.refused" (success=false),
// "panda.no_jobs" (the refusal of acquire_jobs that only means an empty queue), "panda.bad_reply" and, for requests
// read by a server, "panda.bad_request".
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"

namespace apf::protocol::panda {

constexpr const char* kDetailedStats = "/api/v1/statistics/active_job_detailed_stats_by_site";
constexpr const char* kSiteStats = "/api/v1/statistics/active_job_stats_by_site";
constexpr const char* kShareStats = "/api/v1/statistics/job_stats_by_site_share_and_resource_type";
constexpr const char* kSiteSpecs = "/api/v1/metaconfig/get_site_specs";  // ?type=all
constexpr const char* kLegacySiteSpecs = "/server/panda/getSiteSpecs";   // ?siteType=all; pickled; until 0.6
constexpr const char* kAcquireJobs = "/api/v1/pilot/acquire_jobs";
constexpr const char* kUpdateJob = "/api/v1/pilot/update_job";
constexpr const char* kPilotJobStatus = "/api/v1/pilot/get_job_status";  // ?job_ids=4&job_ids=5
constexpr const char* kSubmitJobs = "/api/v1/job/submit";
constexpr const char* kKillJobs = "/api/v1/job/kill";
constexpr const char* kIsAlive = "/api/v1/system/is_alive";

// ---- statistics and sites (GET) ----

// Active jobs of one (site, resource type, label), by PanDA's job status. What a server does not tell apart is "".
struct Cell {
  std::string site, resource_type, label;
  std::map<std::string, std::int64_t> jobs;
  bool operator==(const Cell&) const = default;
};
Result<std::vector<Cell>> read_detailed_stats(int http_status, std::string_view body);
std::string write_detailed_stats(std::span<const Cell> cells);
Result<std::vector<Cell>> read_site_stats(int http_status, std::string_view body);  // site -> status -> n
std::string write_site_stats(std::span<const Cell> cells);
// site -> global share -> resource type -> status -> n: the share stands in Cell::label.
Result<std::vector<Cell>> read_share_stats(int http_status, std::string_view body);

struct Site {
  std::string name;
  std::string status;  // online|test|offline|brokeroff|...; "unknown" when the server does not say
  bool operator==(const Site&) const = default;
};
Result<std::vector<Site>> read_site_specs(int http_status, std::string_view body);
Result<std::vector<Site>> read_legacy_site_specs(int http_status, std::string_view body);
std::string write_site_specs(std::span<const Site> sites);

// ---- jobs as they are submitted ----

struct JobSpec {
  std::string site;               // computingSite
  std::string name;               // jobName
  std::string label = "managed";  // prodSourceLabel
  std::string resource_type = "SCORE";
  std::int64_t priority = 1000;                    // currentPriority
  int max_attempts = 3;                            // maxAttempt
  int cores = 1;                                   // coreCount
  std::int64_t memory_mb = 0;                      // minRamCount; 0: no limit
  std::int64_t disk_mb = 0;                        // maxDiskCount; 0: no limit
  std::int64_t walltime_s = 0;                     // maxWalltime; 0: no limit
  std::int64_t cputime_s = 0;                      // maxCpuCount; 0: no limit
  std::vector<std::string> argv;                   // transformation, jobParameters; exact in apf_argv
  std::map<std::string, std::string> environment;  // apf_environment
  bool operator==(const JobSpec&) const = default;
};
struct SubmitRequest {
  std::string request_id;  // apf_request_id: a repeated request gets the same jobs
  std::vector<JobSpec> jobs;
};
std::string write_submit(const SubmitRequest& request);
Result<SubmitRequest> read_submit(std::string_view body, std::size_t most_jobs);
Result<JobSpec> read_job_spec(std::string_view json);  // one line of a jobs file
std::string write_job_spec(const JobSpec& spec);
std::string write_submitted(std::span<const std::int64_t> ids);
Result<std::vector<std::int64_t>> read_submitted(int http_status, std::string_view body);

// ---- what a pilot says and hears (POST) ----

struct AcquireRequest {
  std::string site, label, resource_type;  // site_name, prod_source_label, resource_type; empty label or type: any
  std::int64_t memory_mb = 0;              // memory; 0: any job
  std::int64_t disk_mb = 0;                // disk_space; 0: any job
  std::int64_t remaining_s = 0;            // remaining_time; 0: any job
  int n_jobs = 1;
  std::string node, computing_element, scheduler_id;
  std::string request_id;  // apf_request_id: a repeated request gets the same job (RULES R12)
  // Never sent: the pilot knows no apf_ names and gives back attemptNr only, which then is the attempt's secret, too.
  bool plain = false;
};
std::string write_acquire(const AcquireRequest& request);
Result<AcquireRequest> read_acquire(std::string_view body);

// One job given to a pilot.
struct Job {
  std::int64_t id = 0;       // PandaID
  std::int64_t attempt = 1;  // attemptNr
  JobSpec spec;
  std::int64_t lease_s = 0;  // apf_lease_s; 0: the server has no leases
  std::string attempt_key;   // apf_attempt_key: secret that guards the updates of this attempt
};
std::string write_acquired(std::span<const Job> jobs);
std::string write_no_jobs();
Result<std::vector<Job>> read_acquired(int http_status, std::string_view body);

struct UpdateRequest {
  std::int64_t id = 0;                         // job_id
  std::string status;                          // starting|running|holding|transferring|finished|failed
  std::int64_t attempt = 0;                    // attempt_nr; 0: not said
  std::string attempt_key;                     // apf_attempt_key
  std::optional<std::int64_t> exit_code;       // trans_exit_code
  std::optional<std::int64_t> error_code;      // pilot_error_code
  std::string error_text;                      // pilot_error_diag
  std::optional<double> cpu_s;                 // cpu_consumption_time (whole seconds), exact in apf_cpu_s
  std::optional<double> wall_s;                // apf_wall_s
  std::optional<std::int64_t> max_rss_kb;      // max_rss
  std::string node, site, batch_id, pilot_id;  // node, site_name, batch_id, pilot_id
};
std::string write_update(const UpdateRequest& request);
Result<UpdateRequest> read_update(std::string_view body);

struct UpdateReply {
  std::string command;       // "" or "NULL": go on; "tobekilled"; "badattemptnr", "alreadydone": not accepted
  std::int64_t lease_s = 0;  // apf_lease_s: the lease counts anew from this request
  std::string message;       // for people; written, never read
  [[nodiscard]] bool accepted() const { return command != "badattemptnr" && command != "alreadydone"; }
  [[nodiscard]] bool kill() const { return command == "tobekilled" || !accepted(); }
};
std::string write_updated(const UpdateReply& reply);
Result<UpdateReply> read_updated(int http_status, std::string_view body);

// ---- envelopes of everything else ----

// `data` is JSON already ("" = null).
std::string write_success(std::string_view data = {}, std::string_view message = {});
std::string write_failure(std::string_view message);
// Checks the envelope and returns `data` as JSON text.
Result<std::string> read_envelope(int http_status, std::string_view body);

}  // namespace apf::protocol::panda
