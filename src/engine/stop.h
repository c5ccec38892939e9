// A stop that can be waited for: a flag for those who look now and then (process::run, net::fetch) and a condition
// for those who sleep.
//
// Thread-safety: all members may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "apf/time.h"

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
    // system_clock: pthread_cond_timedwait, which ThreadSanitizer knows (it misses pthread_cond_clockwait)
    return changed_.wait_until(lock, std::chrono::system_clock::now() + std::chrono::duration_cast<milliseconds>(d),
                               [&] { return flag_.load(); });
  }

 private:
  std::atomic<bool> flag_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace apf::engine
