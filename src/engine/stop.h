// A stop that can be waited for: a flag for those who look now and then (process::run, net::fetch) and a condition
// for those who sleep.
//
// Thread-safety: all members may be called from any thread.
#pragma once

#include <atomic>
#include <mutex>

#include "apf/time.h"
#include "engine/condition.h"

namespace apf::engine {

class Stop {
 public:
  void set() {
    const std::scoped_lock lock(mutex_);
    flag_.store(true);
    changed_.notify_all();
  }
  [[nodiscard]] bool is_set() const { return flag_.load(); }
  [[nodiscard]] const std::atomic<bool>* flag() const { return &flag_; }
  // True when the stop came within `d`.
  bool wait_for(Duration d) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, d, [&] { return flag_.load(); });
  }

 private:
  std::atomic<bool> flag_{false};
  std::mutex mutex_;
  Condition changed_;
};

}  // namespace apf::engine
