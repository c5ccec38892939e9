// Codec of what a pilot factory tells PanDA of its pilots ("workers"): PanDA's harvester API.
//
// Protocol: PanDAWMS/panda-server, pandaserver/api/v1/harvester_api.py (since 0.5.2); before that the calls
// updateWorkers and reportWorkerStats_jobtype below /server/panda, with form-encoded arguments and answers like
// [true, ...]. Lengths are those of the columns of its table harvester_workers; longer texts are cut.
//
// Errors of the read functions as in protocol/panda.h; all of them leave open whether the server has acted, which does
// not matter: both calls may be repeated.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "apf/result.h"
#include "apf/time.h"

namespace apf::protocol::panda {

constexpr const char* kUpdateWorkers = "/api/v1/harvester/update_workers";
constexpr const char* kWorkerStatistics = "/api/v1/harvester/report_worker_statistics";
constexpr const char* kLegacyUpdateWorkers = "/server/panda/updateWorkers";
constexpr const char* kLegacyWorkerStatistics = "/server/panda/reportWorkerStats_jobtype";
constexpr std::size_t kLongestHarvesterId = 50;

// One pilot. Times 0, texts "" and numbers that are not set are left out: what the server knows of them stays.
struct Worker {
  std::int64_t id = 0;  // workerID: unique for the harvester id, for ever
  std::string status;   // submitted|ready|running|idle|finished|failed|cancelled|missed
  std::string batch_id, queue, site, node;
  std::string resource_type, label;
  std::string computing_element, submission_host, harvester_host;
  std::string native_status, message;
  std::string out_url, err_url, log_url;
  std::int64_t cores = 0;
  std::optional<std::int64_t> exit_code;
  Wall submitted, started, ended;
};
std::string write_workers(const std::string& harvester_id, std::span<const Worker> workers);
std::string write_legacy_workers(const std::string& harvester_id, std::span<const Worker> workers);
// How many the server took: it answers with a list of truths.
Result<std::size_t> read_workers_taken(int http_status, std::string_view body);
Result<std::size_t> read_legacy_workers_taken(int http_status, std::string_view body);

// label -> resource type -> status -> pilots, of one site. A new report replaces the last one.
using WorkerCounts = std::map<std::string, std::map<std::string, std::map<std::string, std::int64_t>>>;
std::string write_worker_counts(const std::string& harvester_id, const std::string& site, const WorkerCounts& counts);
std::string write_legacy_worker_counts(const std::string& harvester_id, const std::string& site,
                                       const WorkerCounts& counts);
Status read_counts_taken(int http_status, std::string_view body);
Status read_legacy_counts_taken(int http_status, std::string_view body);

}  // namespace apf::protocol::panda
