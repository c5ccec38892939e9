// Threads that read the store for pages, each with a connection of its own: what blocks never runs on an HTTP thread,
// and never behind the writer.
//
// Thread-safety: run() from any thread; start and stop by one.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "db/db.h"

namespace apf::monitor {

class Readers {
 public:
  static Result<std::unique_ptr<Readers>> start(const db::Place& place, int threads);
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;
  ~Readers();
  using Work = std::function<void(db::Db&)>;
  [[nodiscard]] bool run(Work work);  // false: too much waits already: answer 503
  void stop();                        // harmless twice

 private:
  Readers() = default;
  void loop(db::Db& db);
  std::vector<std::unique_ptr<db::Db>> connections_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> queue_;  // guarded by mutex_
  bool stopping_ = false;   // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace apf::monitor
