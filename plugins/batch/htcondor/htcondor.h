// The batch plug-in `htcondor`. See README.md.
//
// Thread-safety: as apf/batch.h says; what both sides use is guarded.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "apf/batch.h"
#include "credentials.h"
#include "feed.h"
#include "htcondor/tools.h"
#include "settings.h"
#include "spool.h"
#include "view.h"

namespace apf::batch_htcondor {

class HtcondorBatch final : public Batch {
 public:
  HtcondorBatch(htcondor::Tools tools, Settings settings)
      : tools_(std::move(tools)),
        settings_(std::move(settings)),
        spool_(settings_.spool, tools_.account()),
        credentials_(tools_.account()),
        feed_(tools_, spool_, settings_) {}

  Result<View<BatchData>> poll(const FactoryIdentity& me, const std::string& cursor, Context& context) override;
  Result<std::vector<std::string>> submit(const SubmitOrder& order, Context& context) override;
  Result<View<std::vector<PilotSeen>>> find(const FactoryIdentity& me, std::span<const std::string> submissions,
                                            Context& context) override;
  Result<std::int64_t> remove(std::span<const Removal> pilots, std::span<const PilotState> only_in,
                              const std::string& why, Context& context) override;
  Result<std::int64_t> release(std::span<const Removal> pilots, const std::string& why, Context& context) override;
  [[nodiscard]] bool feeds() const override { return feed_.wanted(); }
  Result<View<FeedData>> follow(const FactoryIdentity& me, const std::string& cursor, Context& context) override {
    return feed_.follow(me, cursor, context);
  }

  [[nodiscard]] bool chooses_nodes(const QueueSpec& queue) const override;
  Result<std::int64_t> avoid(const FactoryIdentity& me, const std::string& queue, std::span<const std::string> nodes,
                             Context& context) override;

  [[nodiscard]] Status check_queue(const QueueSpec& queue) const override;
  [[nodiscard]] Result<std::string> preview(const SubmitOrder& order) const override;

 private:
  Result<std::vector<PilotSeen>> queue(const std::string& constraint, const std::string& instance, Context& context);
  Result<std::vector<PilotSeen>> history(const std::string& constraint, const std::vector<std::string>& bounds,
                                         const std::string& instance, Context& context);
  Status look_back(View<BatchData>& view, const FactoryIdentity& me, const std::string& constraint,
                   const std::string& cursor, Context& context);
  float load(Context& context);
  void fetch(std::span<const PilotSeen> ended, Context& context);
  std::vector<std::uint64_t> expected();

  const htcondor::Tools tools_;
  const Settings settings_;
  Spool spool_;
  Credentials credentials_;

  // Only poll() uses these.
  std::vector<std::uint64_t>
      known_;  // sorted: live pilots of the last view, those submitted since, those that left unexplained
  std::size_t last_rows_ = 0;      // of the last view
  std::set<std::string> fetched_;  // completed pilots still in the queue whose output is here
  Mono may_fetch_{};               // when the rate allows the next one
  int fruitless_ = 0;              // looks into the history in a row that left something unexplained
  bool looked_ = false;            // into the history, since the start
  int until_load_ = 0;             // polls until the schedd's load is asked for again
  float load_ = -1;                // what it was then

  std::mutex mutex_;
  std::vector<std::uint64_t> submitted_;  // by submit(), until the next poll

  Feed feed_;
};

}  // namespace apf::batch_htcondor
