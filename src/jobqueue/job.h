// A job as the job queue keeps it, and the states of its life:
//
//   activated -> sent -> starting|running|holding|transferring -> finished|failed|cancelled
//        ^________________ failed attempt, or its lease ended, and attempts are left
//
// The names are PanDA's. Thread-safety: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apf/time.h"

namespace apf::jobqueue {

// The numbers are stored: never change them.
enum class JobStatus : std::uint8_t {
  activated = 0,  // waits for a pilot
  sent = 1,       // given to a pilot that has not reported yet
  starting = 2,
  running = 3,
  holding = 4,
  transferring = 5,
  finished = 6,
  failed = 7,
  cancelled = 8,
};
constexpr int kJobStatuses = 9;

const char* name(JobStatus status);
std::optional<JobStatus> job_status(std::string_view name);
inline bool leased(JobStatus s) { return s >= JobStatus::sent && s <= JobStatus::transferring; }
inline bool ended(JobStatus s) { return s >= JobStatus::finished; }

struct JobRow {
  std::int64_t id = 0, cell = 0;
  JobStatus status = JobStatus::activated;
  int attempt = 0;  // 0: never given to a pilot
  int max_attempts = 1;
  bool kill = false;      // its pilot is to kill it at the next update
  bool reported = false;  // the result of this attempt was accepted
  std::string attempt_key, node;
  std::string error;  // why the last attempt that did not finish ended
  std::optional<std::int64_t> exit_code;
  std::optional<double> cpu_s, wall_s;
  Wall submitted, started, ended;
  std::string spec;  // JSON of panda::JobSpec
};

}  // namespace apf::jobqueue
