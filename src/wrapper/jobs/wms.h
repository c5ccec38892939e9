// The pilot's side of the WMS: PanDA's /api/v1 pilot calls through curl.
//
// Thread-safety: update() from any thread, acquire() from one.
#pragma once

#include <atomic>
#include <string>

#include "protocol/panda.h"
#include "wrapper/options/options.h"

namespace apf::wrapper {

class Wms {
 public:
  // `stop` interrupts acquire() only: the end of a job is reported even when the pilot was told to end.
  Wms(const Options& options, std::string token, std::string node, const std::atomic<bool>& stop);

  struct Acquired {
    protocol::panda::Job job;
    Mono request_left;  // the lease counts from here (RULES R12)
  };
  // One job. A request that got no answer is repeated with the same id for the time of Options::patience: the server
  // gives the same job again. Errors: "panda.no_jobs", "wrapper.refused_credential", "wrapper.no_curl",
  // "wrapper.stopped"; any other: the WMS is out of reach or refuses.
  Result<Acquired> acquire(std::int64_t disk_mb);

  struct Updated {
    protocol::panda::UpdateReply reply;
    Mono request_left;
  };
  // Once, without repetition. The request gets node, site and pilot id added.
  Result<Updated> update(protocol::panda::UpdateRequest request, Duration timeout = seconds{20},
                         const std::atomic<bool>* stop = nullptr) const;
  // Repeated until the server answers or refuses, or `until` has passed.
  Result<Updated> update_until(const protocol::panda::UpdateRequest& request, Mono until) const;

 private:
  Result<Acquired> acquire_once(const protocol::panda::AcquireRequest& request) const;

  const Options& options_;
  std::string token_, node_, pilot_id_;
  const std::atomic<bool>& stop_;
  bool extensions_ = true;  // the server takes our additions to PanDA's calls
};

// A random id, 32 hexadecimal digits.
std::string random_id();

}  // namespace apf::wrapper
