// Codec of PanDA's old pilot calls, POST /server/panda/METHOD, as PanDA's own pilot (pilot3) makes them; the server's
// side only: requests in, replies out.
//
// Protocol: PanDAWMS/panda-server up to 0.8, pandaserver/jobdispatcher; PanDAWMS/pilot3 3.11. A request is a form or a
// JSON object; a reply is a form, or JSON for who accepts it. What went wrong is in StatusCode, with HTTP 200.
//
// pilot3 knows no apf_ names: of all that it is given it returns PandaID and attemptNr. So an attempt's secret is its
// attemptNr: a large number that ends with the attempt's own number in four digits (legacy_guard).
//
// Errors of the read functions: "panda.bad_request". Thread-safety: pure functions.
#pragma once

#include "protocol/panda.h"

namespace apf::protocol::panda {

constexpr const char* kLegacyIsAlive = "/server/panda/isAlive";
constexpr const char* kLegacyGetJob = "/server/panda/getJob";
constexpr const char* kLegacyUpdateJob = "/server/panda/updateJob";
constexpr const char* kLegacyGetStatus = "/server/panda/getStatus";
constexpr const char* kLegacyWorkerStatus = "/server/panda/updateWorkerPilotStatus";
constexpr const char* kWorkerStatus = "/api/v1/pilot/update_worker_status";
constexpr const char* kWorkerNode = "/api/v1/pilot/update_worker_node";
constexpr const char* kWorkerNodeGpu = "/api/v1/pilot/update_worker_node_gpu";

// jobdispatcher/Protocol.py
enum class LegacyCode : int { ok = 0, no_jobs = 20, failed = 30, bad_token = 50, no_role = 60, missing_key = 80 };

Result<AcquireRequest> read_get_job(std::string_view body);  // plain
Result<UpdateRequest> read_update_job(std::string_view body);
Result<std::vector<std::int64_t>> read_get_status(std::string_view body);  // ids=4,5

// What a pilot says of itself, in both generations of the call.
struct WorkerStatus {
  std::string harvester, worker, status, site, node;
  bool operator==(const WorkerStatus&) const = default;
};
Result<WorkerStatus> read_worker_status(std::string_view body);
// update_worker_node and ..._gpu: an object that names at least site and host.
Result<WorkerStatus> read_worker_node(std::string_view body);

// The attemptNr of a plain attempt: `random` (any text of hexadecimal digits) and the attempt's number.
std::int64_t legacy_guard(std::string_view random, int attempt);

struct JobState {
  std::string status;  // "notfound" when there is none
  int attempt = 0;
};

// One job as PanDA gives it, with every attribute that pilot3 reads. pilot3 fetches `transformation` and gives jobPars
// to a shell; `base` is the URL of this server, below which kRunner is the program of jobs that are no URL themselves.
std::string write_given(const Job& job, std::string_view base, bool as_json);
std::string write_given_list(std::span<const Job> jobs, std::string_view base);  // the same, for acquire_jobs
std::string write_legacy(LegacyCode code, bool as_json, std::string_view why = {});
std::string write_legacy_command(std::string_view command, bool as_json);
std::string write_legacy_status(std::span<const JobState> jobs, bool as_json);

constexpr const char* kRunner = "/trf/exec";
std::string runner();  // a shell script that runs its arguments

// What pilot3 and its wrapper read of a queue: the schedconfig cache (one flat object, a line an attribute).
constexpr const char* kQueueData = "/cache/schedconfig/";  // NAME.all.json
constexpr const char* kAllQueues = "schedconfig.all.json";
constexpr const char* kDdmEndpoints = "/cache/ddmendpoints.json";  // {}: jobs of ours name no storage
std::string write_queue(const Site& queue);
std::string write_queues(std::span<const Site> queues);

}  // namespace apf::protocol::panda
