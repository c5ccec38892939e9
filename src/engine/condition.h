// A condition whose waits are bounded by a clock that never steps.
//
// std::condition_variable either waits by the wall clock, and an operator who sets that back by an hour stops the
// factory for an hour; or by pthread_cond_clockwait, which ThreadSanitizer of clang 19 does not know. This is
// pthread_cond_timedwait with CLOCK_MONOTONIC.
//
// Thread-safety: as std::condition_variable: all waiters hold the same mutex.
#pragma once

#include <pthread.h>

#include <ctime>
#include <mutex>

#include "apf/time.h"

namespace apf::engine {

class Condition {
 public:
  Condition() {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&condition_, &attributes);
    pthread_condattr_destroy(&attributes);
  }
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;
  ~Condition() { pthread_cond_destroy(&condition_); }

  void notify_one() { pthread_cond_signal(&condition_); }
  void notify_all() { pthread_cond_broadcast(&condition_); }

  template <class Ready>
  void wait(std::unique_lock<std::mutex>& lock, Ready ready) {
    while (!ready()) pthread_cond_wait(&condition_, lock.mutex()->native_handle());
  }

  // What `ready` says in the end; false when `d` has passed without it.
  template <class Ready>
  bool wait_for(std::unique_lock<std::mutex>& lock, Duration d, Ready ready) {
    timespec end{};
    clock_gettime(CLOCK_MONOTONIC, &end);
    const std::int64_t ns = end.tv_nsec + (d.count() > 0 ? d.count() : 0);
    end.tv_sec += ns / 1'000'000'000;
    end.tv_nsec = ns % 1'000'000'000;
    while (!ready())
      if (pthread_cond_timedwait(&condition_, lock.mutex()->native_handle(), &end) != 0) return ready();
    return true;
  }

 private:
  pthread_cond_t condition_{};
};

}  // namespace apf::engine
