// The WMS plug-in `htcondor`. See README.md.
//
// Thread-safety: as apf/wms.h says.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apf/wms.h"
#include "htcondor/log_file.h"
#include "htcondor/tools.h"
#include "jobs.h"

namespace apf::wms_htcondor {

struct Settings {
  std::string constraint;  // complete, for condor_q
  Grouping grouping;
  std::string event_log = "auto";  // or a path, or "none"
  Duration longest_wait = seconds{25};
};

class HtcondorWms final : public Wms {
 public:
  HtcondorWms(htcondor::Tools tools, Settings settings) : tools_(std::move(tools)), settings_(std::move(settings)) {}

  Result<View<DemandData>> poll(std::span<const std::string> wms_queues, const std::string& cursor,
                                Context& context) override;
  [[nodiscard]] bool pushes() const override { return log_ != nullptr; }

 private:
  bool listen(Context& context);
  bool wait(Context& context);
  bool grown(Context& context);
  void deaf(const Error& error, Context& context);
  Result<Jobs> jobs(Context& context);

  const htcondor::Tools tools_;
  const Settings settings_;

  std::unique_ptr<htcondor::LogFile> log_;  // none: no push
  Mono listen_again_{};                     // when to try to open the log again
  std::string deaf_;                        // why there is no push

  std::vector<std::string> queues_;  // of the last view
  std::size_t rows_ = 0;             // of the last view
  Mono asked_{};                     // when its query began; 0: there is no view yet, or the last poll failed
  Duration took_{};                  // that query
  bool again_ = false;               // it may have come too early for what the log had told
  std::size_t unusable_ = 0;         // jobs that the last warning was about
};

}  // namespace apf::wms_htcondor
