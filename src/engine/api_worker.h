// One thread for what the API may not do on a server's thread: the ledger's pages, the journal, directories.
//
// Thread-safety: all members may be called from any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace apf::engine {

class ApiWorker {
 public:
  ApiWorker() : thread_([this] { loop(); }) {}
  ApiWorker(const ApiWorker&) = delete;
  ApiWorker& operator=(const ApiWorker&) = delete;
  ~ApiWorker();  // drops what waits, ends what runs

  // False when too much waits already; jobs must not throw.
  bool run(std::function<void()> job);

 private:
  static constexpr std::size_t kMost = 64;
  void loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;  // guarded by mutex_
  bool stopping_ = false;                   // guarded by mutex_
  std::thread thread_;                      // last: it begins when the rest is there
};

}  // namespace apf::engine
