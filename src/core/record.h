// What the ledger stores: one row a pilot, a submission, a queue. The core keeps the same structs in memory for
// everything that is live; the ledger keeps ended pilots for the retention time.
//
// Thread-safety: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apf/batch.h"
#include "apf/time.h"

namespace apf::core {

// planned -> (durable) -> sent -> answered -> settled. After a restart planned and sent are the same: open (R8).
enum class SubmissionState : std::uint8_t { open, settled, refused, not_submitted };
const char* name(SubmissionState state);

struct Submission {
  std::string id;  // [A-Za-z0-9-], random per instance run (R9)
  std::string queue, batch;
  std::int32_t n = 0;    // pilots wanted
  std::int32_t got = 0;  // pilots known to exist or to have existed
  SubmissionState state = SubmissionState::open;
  std::uint32_t run = 0;
  Wall planned, answered;
  std::string note;  // how it was settled or why refused
};

struct Pilot {
  std::uint64_t no = 0;  // the ledger's number, never used again
  std::string batch_id, submission, queue, batch;
  std::uint32_t index = 0;
  std::uint32_t run = 0;
  PilotState state = PilotState::pending;
  bool missing = false;  // absent from a trusted view without evidence (R4); counts as before
  bool lost = false;     // given up (R4); an ended state
  std::int32_t exit_code = -1;
  float wall_s = -1, cpu_s = -1;
  Wall submitted, started, ended;
  Wall payload_start;          // of the first payload, from the wrapper's report (R2)
  std::int32_t payloads = -1;  // payloads it ran; 0: "empty"; -1: not told
  std::string node, reason;
  std::string rule;  // why we removed it; empty: we did not
};

// What is kept for a queue beyond its pilots: life counters and the operator's word (R14).
struct QueueRecord {
  std::string name;
  std::int64_t life_submitted = 0, life_done = 0, life_failed = 0;
};

// pause, disable or drain, by scope: all, batch:X, wms:X, queue:X (R14).
struct Hold {
  std::string verb;   // pause|disable|drain
  std::string scope;  // "all", "batch:pool", "wms:panda", "queue:BNL"
  std::string who, reason;
  Wall since, until;  // until 0: until resumed
};

// One group commit (R15). Rows replace older rows of the same key.
struct LedgerBatch {
  std::uint64_t pass = 0;
  bool full_sync = false;  // intents: an effect waits for it
  std::uint64_t seq = 0;   // high-water mark of Seq
  std::uint64_t next_pilot = 0;
  std::vector<Submission> submissions;
  std::vector<Pilot> pilots;
  std::vector<QueueRecord> queues;
  bool holds_changed = false;
  std::vector<Hold> holds;                                   // all of them, when changed
  std::vector<std::pair<std::string, std::string>> cursors;  // "batch:pool" -> cursor
  [[nodiscard]] bool empty() const {
    return submissions.empty() && pilots.empty() && queues.empty() && !holds_changed && cursors.empty();
  }
};

// What a starting factory reads back.
struct LedgerImage {
  std::uint64_t seq = 0, next_pilot = 1;
  std::vector<Submission> submissions;  // open ones, and those of live pilots
  std::vector<Pilot> pilots;            // live, and those that ended within the last hour
  std::vector<QueueRecord> queues;
  std::vector<Hold> holds;
  std::vector<std::pair<std::string, std::string>> cursors;
  bool fresh = false;  // the ledger was made just now: adopt what is found (R9)
  std::string doubt;   // why the state directory seems to be a copy: submit nothing until Adopt (R9)
};

}  // namespace apf::core
