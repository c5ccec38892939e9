// The one thread that owns the factory's state. Events come into an inbox; each goes through the core at once, and a
// Pass follows: at once when it was quiet before, else at the end of a short window, so that events which arrive
// together are decided together.
//
// Thread-safety: post() and stop() may be called from any thread; ports are called on the scheduler's thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/event.h"
#include "engine/condition.h"
#include "engine/ledger_writer.h"

namespace apf::engine {

class Scheduler {
 public:
  struct Ports {
    std::function<std::vector<core::Effect>(const core::Event&, Mono, Wall)> on;  // the core
    std::function<void(PassRecord)> write;                                        // commits, releases, journals
    std::function<void(core::Effect)> perform;  // a call or a notice; must not block, any thread
    std::function<void()> published = {};       // after each pass: take snapshots
    std::function<Mono()> mono = mono_now;
    std::function<Wall()> wall = wall_now;
    Duration window = milliseconds{200};
  };
  enum class After : std::uint8_t { pass, nothing };  // whether an event asks for a Pass

  explicit Scheduler(Ports ports);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler();  // stop()

  void start(core::Event first);
  // `done` is called (on the scheduler's thread) when what this event changed is committed, with the error when it
  // could not be.
  void post(core::Event event, After after = After::pass, std::function<void(Status)> done = {});
  // Runs `work` on the scheduler's thread between events (it may look at the state).
  void inspect(std::function<void()> work);
  // Handles what has been posted, with a last pass, and ends the thread.
  void stop();

 private:
  struct Item {
    std::optional<core::Event> event;
    After after = After::pass;
    std::function<void(Status)> done;
    std::function<void()> work;
  };
  void put(Item item);
  void loop();
  void handle(Item& item);
  void pass(Mono now);
  void dispatch(std::vector<core::Effect> effects);
  void committed(const core::CommitDone& done);
  void answer_waiting();
  [[nodiscard]] bool pass_due(Mono now) const;
  [[nodiscard]] std::optional<Mono> next_time() const;
  bool wait(std::unique_lock<std::mutex>& lock);

  Ports ports_;
  std::mutex mutex_;
  Condition changed_;
  std::vector<Item> inbox_;  // guarded by mutex_
  bool stopping_ = false;    // guarded by mutex_
  bool ended_ = false;       // guarded by mutex_: the thread takes nothing more

  // The thread's own.
  bool pass_wanted_ = false;
  std::optional<Mono> last_pass_, wake_;
  bool committing_ = false;                             // a commit is under way
  std::vector<std::function<void(Status)>> waiting_;    // for the commit of the next pass
  std::vector<std::function<void(Status)>> in_commit_;  // for the one under way
  std::thread thread_;
};

}  // namespace apf::engine
