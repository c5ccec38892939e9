// Lanes: calls that may block, each lane one call at a time, all on a bounded number of workers.
//
// A lane is a source and a kind of call: "wms.panda", "batch.pool.poll", "batch.pool.submit", "monitor.log". Calls of a
// lane run in order, one at a time, so a plug-in sees one thread at a time; a call that hangs holds back its own lane
// only. Classes keep workers apart, so that hanging polls never starve submissions: at most 14 polls, 8 submissions or
// removals, 3 monitors and 6 feeds of events run at a time, whatever the number of sources. A WMS that answers by long
// poll holds one poll worker for good; more than 14 such sources take turns, as do more than 6 feeds.
//
// Thread-safety: all members may be called from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apf/time.h"

namespace apf::engine {

enum class LaneClass : std::uint8_t { poll, act, tell, feed };

struct LaneLimits {
  int poll = 14, act = 8, tell = 3, feed = 6;
};

class Lanes {
 public:
  using Job = std::function<void()>;  // must not throw

  explicit Lanes(LaneLimits limits = {});
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;
  ~Lanes();  // finish(0)

  // Runs `job` on the lane of this name, after all earlier ones. `limit`: how long it may take once it runs (0: no
  // matter). False when the lanes are closed.
  bool run(LaneClass kind, const std::string& name, Job job, Duration limit = {});

  // Jobs of this lane that wait or run.
  [[nodiscard]] std::size_t load(const std::string& name) const;

  [[nodiscard]] std::vector<std::pair<std::string, std::int64_t>> loads() const;  // of all lanes, by name
  // Lanes whose running job is past its limit: "batch.pool.poll".
  [[nodiscard]] std::vector<std::string> overdue(Mono now) const;
  [[nodiscard]] int threads() const;

  // No new jobs; those of these classes that have not begun are dropped.
  void close();
  void drop_waiting(LaneClass kind);
  // Waits until nothing runs in this class, at most for `patience`. True when all is quiet.
  bool quiet(LaneClass kind, Duration patience);
  // Closes and waits for the workers; those that still hang afterwards are left behind (the process is to end by
  // _exit then). True when every worker has ended.
  bool finish(Duration patience);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace apf::engine
