#include "jobqueue/job.h"

#include <algorithm>
#include <array>

namespace apf::jobqueue {
namespace {

constexpr std::array<const char*, kJobStatuses> kNames = {"activated",    "sent",     "starting", "running",  "holding",
                                                          "transferring", "finished", "failed",   "cancelled"};

}  // namespace

const char* name(JobStatus status) { return kNames[static_cast<std::size_t>(status)]; }

std::optional<JobStatus> job_status(std::string_view name) {
  const auto* const it = std::find(kNames.begin(), kNames.end(), name);
  if (it == kNames.end()) return {};
  return static_cast<JobStatus>(it - kNames.begin());
}

}  // namespace apf::jobqueue
