// The thread that writes: it commits a pass to the ledger, then releases the effects that waited for the commit, then
// journals the pass's decisions. fsync is never on the scheduler's thread.
//
// A commit that fails (full disk, I/O error) releases nothing: its effects are dropped, and the report tells why (R15).
// Thread-safety: all members but the constructor's arguments may be used from any thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/event.h"
#include "engine/journal.h"
#include "engine/ledger.h"

namespace apf::engine {

// What one pass leaves to be written.
struct PassRecord {
  std::shared_ptr<const core::LedgerBatch> batch;  // null: nothing to commit
  std::vector<core::Decision> decisions;
  std::function<void()> release;  // run after a good commit; dropped after a failed one
};

class LedgerWriter {
 public:
  struct Ports {
    std::function<Status(const core::LedgerBatch&, Wall)> commit;
    std::function<void(core::CommitDone)> report;   // called on the writer's thread
    std::function<void(Journal&)> journalled = {};  // after journal lines were written or lost
    std::function<Wall()> wall = wall_now;
  };

  LedgerWriter(Ports ports, std::unique_ptr<Journal> journal);
  LedgerWriter(const LedgerWriter&) = delete;
  LedgerWriter& operator=(const LedgerWriter&) = delete;
  ~LedgerWriter();  // writes all that waits, then ends

  void write(PassRecord record);
  void config(std::shared_ptr<const core::Config> config);  // for the journal
  void flush_journal();                                     // writes counts of repeats that are due
  // Runs work on the writer's thread, which owns the ledger: retention, adopt.
  void run(std::function<void()> work);
  // Writes all that waits and ends the thread; false when that takes longer than `patience` (a disk that hangs):
  // the thread is left behind then, and the process is to end by _exit.
  bool finish(Duration patience);

 private:
  // Shared with the thread, so that a thread left behind never touches what is gone.
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace apf::engine
