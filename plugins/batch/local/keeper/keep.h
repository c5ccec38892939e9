// A keeper's work: take the next waiting pilot, run it, write down how it ended.
//
// A pilot's process is forked first and waits at a gate; then <i>.taken is linked, with both processes' identities, and
// only then the gate opens. A keeper killed before the link leaves the pilot in the queue, one killed after it leaves a
// record that names a dead process: in neither case can the pilot run twice.
//
// Signals: SIGUSR1 means "look whether <i>.remove is there" and may come at any time, even for a pilot that is gone by
// now; SIGTERM (from the system, an administrator) ends the pilot and the keeper.
//
// Not thread-safe: for a process with one thread that blocks keeper_signals().
#pragma once

#include <csignal>

#include "spool.h"

namespace apf::local {

constexpr int kLookAtRemoval = SIGUSR1;

// What the calling process must have blocked.
sigset_t keeper_signals();

// Runs waiting pilots one after the other on slot k until none waits, the slot is no longer wanted, SIGTERM comes or
// records can't be written. `lock`: that of slot k.
void keep_slot(const Spool& spool, std::int64_t k, Fd lock);

enum class Kept : std::uint8_t {
  ran,     // to its end, which is written down
  none,    // there was nothing to run, or somebody else took it
  cannot,  // it could not be taken: no process, no disk; it waits on
  told,    // it ran, and we were told to end
};
// Runs one pilot to its end.
Kept keep_pilot(const Spool& spool, const std::string& order_name, const Order& order, std::uint32_t index);

}  // namespace apf::local
