// follow() of the plug-in: a log of events as pilots, the schedd's or the pilots' own. README.md, "Events".
//
// Thread-safety: follow() one thread at a time; the others any.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "apf/batch.h"
#include "htcondor/event_log.h"
#include "htcondor/tools.h"
#include "pilot_events.h"
#include "settings.h"
#include "spool.h"
#include "user_log.h"

namespace apf::batch_htcondor {

class Feed {
 public:
  Feed(const htcondor::Tools& tools, const Spool& spool, const Settings& settings)
      : tools_(tools), spool_(spool), settings_(settings) {}

  [[nodiscard]] bool wanted() const { return settings_.event_log != "none"; }
  Result<View<FeedData>> follow(const FactoryIdentity& me, const std::string& cursor, Context& context);

  // The log that pilots which are submitted now have to write; empty: none, the schedd's is followed, or nothing is.
  std::string pilots_log(const FactoryIdentity& me, Context& context);
  // Pilots went out, with that log.
  void sent(const std::string& pilots_log);

 private:
  struct Way {
    std::string path;
    bool own = false;  // the pilots' own log
  };
  [[nodiscard]] Result<Way> choose(const FactoryIdentity& me, Context& context) const;
  [[nodiscard]] Result<Way> own_log(const FactoryIdentity& me, Context& context) const;
  [[nodiscard]] Result<std::string> schedds_log(Context& context) const;
  [[nodiscard]] Status all_write(const std::string& path, const FactoryIdentity& me, Context& context) const;
  [[nodiscard]] std::uint64_t silent() const;
  Status open(const FactoryIdentity& me, const std::string& cursor, Context& context);
  void note(std::string gap);
  Result<bool> drain(FeedData& data);
  [[nodiscard]] std::string bookmark() const;

  const htcondor::Tools& tools_;
  const Spool& spool_;
  const Settings& settings_;

  mutable std::mutex mutex_;
  std::optional<Way> way_;    // as chosen last
  std::uint64_t silent_ = 0;  // submissions so far whose pilots write no log of their own

  // Only follow() uses these.
  std::unique_ptr<htcondor::EventLog> log_;
  std::unique_ptr<PilotEvents> events_;
  bool own_ = false;               // log_ is the pilots' own
  std::uint64_t silent_then_ = 0;  // silent_ when log_ was opened
  Mono checked_{};                 // when all pilots were seen to write it
  Trimmer trimmer_;
  std::string given_;  // the cursor that follow() gave last: where log_ stands
  std::string gap_;    // to be told
  Mono told_gap_{};    // when the last one was
  bool full_ = false;  // the disk of the log was full at the last look
};

}  // namespace apf::batch_htcondor
