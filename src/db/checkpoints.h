// Copies SQLite's log (WAL) into its file beside the one that writes, which by default would stop for it every few MB.
//
// A pass copies what the log held when it began; meanwhile more comes. Passes follow each other until little is left;
// that rest is copied by the writer itself between two transactions, so that its next commit begins the log anew. A log
// that grows faster than it is copied stops the writer at Limits::most until a pass is over.
//
// Thread-safety: one thread writes and owns `writer`; it starts and destroys this.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "store/database.h"

namespace apf::db {

class Checkpoints {
 public:
  struct Limits {       // in pages of 4 kB
    int begin = 8'000;  // that the log has: a pass begins
    int rest = 1'000;   // so few are copied by the writer
    int most = 48'000;  // the writer waits for the pass
  };
  // Takes over the checkpoints of `writer`; `beside` is another connection to the same file.
  Checkpoints(store::Database& writer, store::Database beside, const Limits& limits);
  Checkpoints(const Checkpoints&) = delete;
  Checkpoints& operator=(const Checkpoints&) = delete;
  ~Checkpoints();

  void after_commit();  // called by the writer, outside of transactions

 private:
  void work();

  const Limits limits_;
  store::Database& writer_;
  store::Database beside_;  // the thread's
  std::mutex mutex_;
  std::condition_variable wake_;
  int pages_ = 0;          // guarded by mutex_: of the log, after the last commit
  bool wanted_ = false;    // guarded by mutex_: a pass
  bool nearly_ = false;    // guarded by mutex_: the writer may copy the rest
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace apf::db
