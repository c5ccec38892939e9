// The whole factory as one pure function of values (DESIGN section 4).
//
//   effects = on(state, event, now, shown)
//
// No I/O, no threads, no clock, no random numbers: what the world says comes in as events, what the world is to do
// goes out as effects. Events other than Pass only update the state (reconcile); Pass decides and emits effects.
// The shell gives a Pass after each short window of events and at the time the last Wake named.
//
// Thread-safety: one thread owns a FactoryState.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/event.h"

namespace apf::core {

class FactoryState;  // opaque: src/core/state.h is for the core and its tests only

struct StateDeleter {
  void operator()(FactoryState* state) const;
};
using StatePtr = std::unique_ptr<FactoryState, StateDeleter>;
StatePtr make_state();

std::vector<Effect> on(FactoryState& state, const Event& event, Mono now, Wall shown);

// ---- what people and the API see ----

struct SourceStatus {
  std::string name, plugin, kind;  // kind: wms|batch
  std::string state;               // ok|never|stale|failing|refused
  Mono view_at;                    // of the last trusted view; ns 0: none yet
  Wall view_as_of;
  std::string evidence, trouble;  // trouble: the last error or the reason of a refusal
  std::int64_t pilots = 0;        // live, in this source (batch)
  bool pushes = false;
  std::string way = {};  // how it is known: "events (...)", "long poll", "poll every 30 s (why there are no events)"
};

struct ExcludedNodeStatus {
  std::string name, why;
  Wall since;
  Mono next_probe;      // when a pilot may try it again, if no other node is tried then
  bool probed = false;  // one pilot may run there now
};

struct QueueSnapshot {
  std::string name, wms, wms_queue, batch, mode, site;
  bool enabled = true, gone = false;  // gone: no longer configured, pilots tracked to their end
  std::int64_t notready = 0, ready = 0;
  bool demand_known = false;
  std::int64_t claimed = 0, pending = 0, running = 0, held = 0, missing = 0, open_submissions = 0;
  std::int64_t done_1h = 0, failed_1h = 0;
  std::int64_t life_submitted = 0, life_done = 0, life_failed = 0;
  Mono wms_view_at, batch_view_at;  // ns 0: none yet
  std::int64_t known_nodes = 0;
  std::vector<ExcludedNodeStatus> excluded_nodes;  // R11
  std::string failing;                             // why the queue is slowed down; empty: it is not
  std::vector<std::string> holds;                  // in words: who paused it and why
  std::shared_ptr<const Decision> last;            // last decision; null before the first
};

struct FactorySnapshot {
  std::string factory_id, config_version;
  std::uint32_t run = 0;
  Wall started;
  bool stopping = false;
  std::int64_t pending = 0, running = 0, missing = 0, open_submissions = 0;
  std::int64_t excluded_nodes = 0, failing_queues = 0;  // R11; a node that two queues exclude counts twice
  std::vector<SourceStatus> sources;
  std::vector<Alarm> alarms;
  std::vector<Hold> holds;
  std::string ledger_trouble;  // why submissions hold; empty: the ledger works
};

// Names of queues whose snapshot changed since the last call (the gone ones that ended are removed: nullptr).
std::vector<std::pair<std::string, std::shared_ptr<const QueueSnapshot>>> take_changed(FactoryState& state);
FactorySnapshot overview(const FactoryState& state);
// Copies of the live pilots of a queue (all: empty name).
std::vector<Pilot> pilots(const FactoryState& state, const std::string& queue);
// The pure fold behind every decision; also `apf decide` and replay: runs the chain on an input.
std::vector<StepTaken> fold(const Chain& chain, const SchedInput& input, std::int64_t* outside = nullptr);

}  // namespace apf::core
