// The generic pilot: takes jobs from the WMS one by one, runs each in a directory of its own and tells how it went,
// until there is no work, its lifetime is over or it is told to end.
//
// Thread-safety: one a process.
#pragma once

#include <string>

#include "wrapper/jobs/wms.h"
#include "wrapper/payload/guard_protocol.h"
#include "wrapper/plugin.h"

namespace apf::wrapper {

class Generic final : public Plugin {
 public:
  explicit Generic(const Surroundings& around);
  Summary run() override;

 private:
  bool may_go_on();
  bool next_job();
  void acquire_failed(const Error& e);
  void run_job(const Wms::Acquired& acquired);
  Result<Outcome> run_payload(const Wms::Acquired& acquired, const std::string& directory, std::string& command,
                              Mono& lease_end);
  void tell_end(const Wms::Acquired& acquired, const Outcome& outcome, const std::string& command, Mono lease_end);
  void end(int rc, std::string reason);

  const Options& options_;
  Wms wms_;
  Reporter& reporter_;
  const Scratch& scratch_;
  Mono born_;
  Summary summary_;
  std::int64_t output_left_;
  int told_by_ = 0;  // signal that ended the payload
  bool over_ = false;
};

}  // namespace apf::wrapper
