// Alarms (R17): what the core raises and what the shell finds itself (a full journal disk, a call that hangs), once
// each, told to the log and to the operator's command at a bounded rate.
//
// Thread-safety: all members may be called from any thread.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/event.h"

namespace apf::engine {

class Alarms {
 public:
  // Told of each change that is to go out; runs on the caller's thread and must not block.
  using Notify = std::function<void(const core::Alarm&, bool raised, std::int64_t suppressed)>;
  struct Limits {
    Duration repeat = seconds{600};  // the same alarm is told again only after this time
    int most = 30;                   // notices within `window`
    Duration window = seconds{3600};
  };

  explicit Alarms(Notify notify) : Alarms(std::move(notify), Limits{}) {}
  Alarms(Notify notify, Limits limits) : notify_(std::move(notify)), limits_(limits) {}

  // From the core, which keeps its own list.
  void changed(const core::Alarm& alarm, bool raised, Mono now);
  // The shell's own; raising one that stands, or clearing one that does not, changes nothing.
  void raise(const std::string& code, const std::string& subject, const std::string& text, Mono now, Wall shown);
  void clear(const std::string& code, const std::string& subject, Mono now);
  [[nodiscard]] std::vector<core::Alarm> own() const;

 private:
  using Key = std::pair<std::string, std::string>;
  void tell(const core::Alarm& alarm, bool raised, Mono now);

  Notify notify_;
  Limits limits_;
  mutable std::mutex mutex_;
  std::map<Key, core::Alarm> own_;
  std::map<Key, Mono> told_;   // when it was last told as raised
  std::map<Key, bool> quiet_;  // raised without being told: its end is not told either
  std::vector<Mono> lately_;   // times of notices in the window
  std::int64_t suppressed_ = 0;
};

// The command's environment: APF_ALARM=raised|cleared, APF_ALARM_CODE, _SUBJECT, _TEXT, _SINCE, _SUPPRESSED.
Command alarm_command(const std::string& command, const core::Alarm& alarm, bool raised, std::int64_t suppressed);

}  // namespace apf::engine
