// Turns the core's effects into calls of plug-ins on lanes, and their answers into events. Each call has its deadline;
// what a plug-in throws becomes an error of kind bug; a source that is gone answers at once.
//
// Thread-safety: all members may be called from any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/event.h"
#include "engine/assembly.h"
#include "engine/lanes.h"
#include "engine/stop.h"

namespace apf::engine {

class Calls {
 public:
  struct Ports {
    std::function<void(core::Event)> post;  // an answer
    std::function<std::string(const std::string& submission)> report_key;
  };

  // `submitting` ends submissions and removals, `looking` everything else: at the end the first comes later.
  Calls(Ports ports, Lanes& lanes, std::shared_ptr<Stop> looking, std::shared_ptr<Stop> submitting);

  void use(std::shared_ptr<const Assembly> assembly);
  [[nodiscard]] std::shared_ptr<const Assembly> assembly() const;

  // PollWms, PollBatch, FollowBatch, SubmitPilots, FindPilots, RemovePilots, ReleasePilots, AvoidNodes, Tell; others
  // are none of its business.
  void perform(core::Effect effect);

 private:
  void poll_wms(core::PollWms call);
  void poll_batch(core::PollBatch call);
  void follow(core::FollowBatch call);
  void submit(core::SubmitPilots call);
  void find(core::FindPilots call);
  void remove(core::RemovePilots call);
  void release(core::ReleasePilots call);
  void avoid(core::AvoidNodes call);
  void tell(core::Tell note);
  void put_keys(std::vector<PilotNote>& pilots) const;
  bool client_runs(const std::string& state_dir, const std::string& submission, Duration timeout);

  Ports ports_;
  Lanes& lanes_;
  std::shared_ptr<Stop> looking_, submitting_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Assembly> assembly_;
  std::map<std::string, Mono> orphans_;  // submissions whose clients an earlier run left behind: since when we know
};

}  // namespace apf::engine
