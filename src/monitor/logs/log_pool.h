// The threads that fetch pilots' files. Few, and for one server fewer, so that a factory which does not answer holds up
// nobody who wants files of another.
//
// Thread-safety: run() from any thread; start and stop by one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace apf::monitor {

class LogPool {
 public:
  struct Limits {
    int threads = 4;
    int of_origin = 2;  // threads for one server
    std::size_t waiting = 64, waiting_of_origin = 16;
  };
  // Returns soon after `stop` has become true.
  using Work = std::function<void(const std::atomic<bool>& stop)>;

  explicit LogPool(Limits limits);
  LogPool() : LogPool(Limits()) {}
  LogPool(const LogPool&) = delete;
  LogPool& operator=(const LogPool&) = delete;
  ~LogPool() { stop(); }
  [[nodiscard]] bool run(const std::string& origin, Work work);  // false: too much waits already
  void stop();                                                   // what waits is dropped; harmless twice

 private:
  struct Job {
    std::string origin;
    Work work;
  };
  void loop();
  bool next(Job& job);

  const Limits limits_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;               // guarded by mutex_
  std::map<std::string, int> running_;  // guarded by mutex_; by origin
  std::vector<std::thread> threads_;    // last: they begin when the rest is there
};

}  // namespace apf::monitor
