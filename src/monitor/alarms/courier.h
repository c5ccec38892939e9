// Takes notices of alarms to people, by one channel each: from a thread of its own, so that a mail server which is slow
// or down holds up nobody. Notices that wait go together in one message, so a storm of alarms is one message and not a
// thousand; there is at least `interval` between two messages.
//
// Bounded: of more than `most` notices that wait the oldest go, and the next message says how many. An alarm that is
// over before anybody was told of it is not told at all.
//
// Thread-safety: all members may be called from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "apf/result.h"
#include "monitor/alarms/alarm.h"

namespace apf::monitor {

// A way to people. Used by one thread.
class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;
  [[nodiscard]] virtual const char* name() const = 0;  // "mail"
  // `lost`: notices that were dropped before these. An error is tried again, whatever its kind: people repair servers.
  virtual Status send(std::span<const Notice> notices, std::int64_t lost, Mono deadline,
                      const std::atomic<bool>* stop) = 0;
};

class Courier {
 public:
  struct Limits {
    Duration gather = seconds{2};     // what is found together goes together
    Duration interval = seconds{60};  // between two messages
    Duration patience = seconds{30};  // with one message
    Duration pause = seconds{5};      // after a failure; doubles up to `longest_pause`
    Duration longest_pause = seconds{600};
    std::size_t most = 1000;
  };
  struct Stats {
    std::int64_t waiting = 0, messages = 0, failures = 0, lost = 0;
    std::string trouble;  // of the last try; empty: it worked
  };

  Courier(std::unique_ptr<Channel> channel, Limits limits, std::function<void(const std::string&)> log);
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;
  ~Courier() { leave(); }
  std::vector<Notice> leave();  // ends: breaks off what is under way, and returns what waits; nothing is told later

  void tell(std::span<const Notice> notices);
  [[nodiscard]] Stats stats() const;
  [[nodiscard]] const char* name() const { return channel_->name(); }

 private:
  void run();
  void add(const Notice& notice);                             // mutex_ is held
  bool wait(std::unique_lock<std::mutex>& lock, Mono until);  // false: stop
  void deliver(std::unique_lock<std::mutex>& lock);

  const std::unique_ptr<Channel> channel_;
  const Limits limits_;
  const std::function<void(const std::string&)> log_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Notice> waiting_;  // guarded by mutex_
  Stats stats_;                 // guarded by mutex_
  std::int64_t untold_ = 0;     // guarded by mutex_; lost since the last message
  std::atomic<bool> stopping_ = false;
  Duration pause_{};    // the thread's own
  std::thread thread_;  // last: it begins when the rest is there
};

}  // namespace apf::monitor
