// From the events of a schedd to pilots. README.md, "Events", has the table.
//
// Two kinds of events are kept back for a moment. One without the job's attributes waits for the information event that
// repeats it with them. And an eviction: HTCondor writes it also when a running job is held or removed, just before it
// says so; only an eviction that nothing follows is one.
//
// Thread-safety: one thread at a time; no I/O and no clock.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apf/batch.h"
#include "htcondor/event.h"

namespace apf::batch_htcondor {

// Attributes of a job that have to come with its events: without these an event does not say whose pilot is what.
inline constexpr std::array<std::string_view, 9> kNeededAttributes{
    "APF_FACTORY_ID", "APF_INSTANCE",    "APF_RUN",      "APF_SUBMISSION",     "APF_INDEX",
    "APF_RERUN",      "MATCH_APF_QUEUE", "NumJobStarts", "JobCurrentStartDate"};
// Those that only tell more.
inline constexpr std::array<std::string_view, 3> kUsefulAttributes{"QDate", "RemoteHost", "LastRemoteHost"};

class PilotEvents {
 public:
  PilotEvents(std::string factory_id, std::string instance)
      : factory_id_(std::move(factory_id)), instance_(std::move(instance)) {}

  static constexpr Duration kPatience = seconds{1};  // for what belongs to an event that is kept back

  using Place = std::function<std::string()>;
  // Takes the next event. `place` makes the bookmark before it; asked when the event is kept back.
  void take(htcondor::Event event, Mono now, const Place& place, std::vector<PilotSeen>& out);
  // Gives what was kept back and waited long enough.
  void settle(Mono now, std::vector<PilotSeen>& out);

  // When settle() has something to do.
  [[nodiscard]] std::optional<Mono> due() const;
  // The bookmark before the oldest event that is kept back; nothing when none is.
  [[nodiscard]] std::optional<std::string> oldest() const;
  // An event since the last call of which is not known whether it is about one of our pilots, for people. Empty: none.
  std::string take_doubt();

 private:
  struct Identity {
    std::string submission, queue;
    std::uint32_t run = 0;
    bool foreign = false, rerun = false;
    bool operator==(const Identity&) const = default;
  };
  struct Known {
    std::shared_ptr<const Identity> identity;
    std::uint32_t index = 0;
  };
  struct Kept {
    std::uint64_t number = 0;  // in the order in which they came
    Mono since;
    std::string place;
    htcondor::Event event;
    PilotSeen pilot;  // of an eviction
  };
  using Jobs = std::map<std::uint64_t, Kept>;

  void told(std::uint64_t key, const htcondor::Event& event, const Known& who, Mono now, const Place& place,
            std::vector<PilotSeen>& out);
  void untold(const htcondor::Event& event, std::vector<PilotSeen>& out);
  [[nodiscard]] const Kept* oldest_kept() const;
  std::optional<Known> identify(std::uint64_t key, const htcondor::Event& event);

  const std::string factory_id_, instance_;
  Jobs bare_, evicted_;
  std::unordered_map<std::uint64_t, Known> known_;  // live pilots, for events without attributes
  std::shared_ptr<const Identity> last_;            // shared by the pilots of a submission
  std::uint64_t kept_ = 0;
  std::string doubt_;
};

}  // namespace apf::batch_htcondor
