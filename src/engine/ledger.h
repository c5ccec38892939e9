// The ledger: our own durable record of every pilot, submission and operator's word, in <state_dir>/ledger.db.
// Schema and its migrations live here; src/store is the mechanism.
//
// Rules: R9 (identity), R15 (durability). Errors are those of store::Database, and "ledger.other_factory".
// Thread-safety: a Ledger belongs to one thread at a time (the ledger writer's). Readers open their own LedgerReader.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "apf/result.h"
#include "core/record.h"

namespace apf::engine {

struct LedgerOptions {
  std::string state_dir;
  std::string factory_id;
  Wall now;
  std::string machine;  // /etc/machine-id; a copy on another host differs
};

// Who this factory is, as its ledger knows it (R9).
struct Identity {
  std::string factory_id;
  std::string instance;   // random, made with the state directory
  std::string secret;     // of report keys
  std::uint32_t run = 0;  // this start's number
};

class Ledger {
 public:
  // Opens or makes the ledger, counts this start, and finds out whether the state directory is a copy.
  // The caller holds the StateLock.
  static Result<Ledger> open(const LedgerOptions& options);
  Ledger(Ledger&&) noexcept;
  Ledger& operator=(Ledger&&) noexcept;
  ~Ledger();

  [[nodiscard]] const Identity& identity() const;
  [[nodiscard]] static std::string file(const std::string& state_dir);

  // What a starting factory needs: all live pilots, those that ended within the last hour, the newest 1000 that ended
  // whatever the clock says, their submissions, the open ones and those answered within the last hour.
  Result<core::LedgerImage> load(Wall now);

  // One transaction. full_sync: on the disk when this returns; else safe from a crash of the program only.
  Status commit(const core::LedgerBatch& batch, Wall now);

  // Deletes at most `most` pilots that ended before `before`, and submissions without pilots as old as that.
  // Returns how many rows went.
  Result<std::int64_t> trim(Wall before, std::int64_t most);

  // The operator's `apf adopt`: this state directory is the factory's from now on. A new instance name is drawn at
  // the next start.
  Status adopt();

 private:
  struct Impl;
  explicit Ledger(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// /etc/machine-id; empty where there is none.
std::string machine_id();

}  // namespace apf::engine
