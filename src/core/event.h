// What can happen to the factory, and what it then wants done. The shell (src/engine) turns the outside world into
// events and effects into the outside world; tests/sim does the same with a simulated one.
//
// Thread-safety: plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "apf/batch.h"
#include "apf/monitor.h"
#include "apf/sched.h"
#include "apf/wms.h"
#include "core/config.h"
#include "core/record.h"

namespace apf::core {

// The sched chain of a queue, made by the shell from the registry when the configuration is loaded.
using Chain = std::vector<std::pair<std::string, std::shared_ptr<const SchedStep>>>;

struct ActiveConfig {
  std::shared_ptr<const Config> config;
  std::vector<Chain> chains;  // one a queue, in the order of config->queues
  // Likewise: the batch system runs the queue's pilots on nodes that we may choose among (Batch::chooses_nodes).
  std::vector<bool> chooses_nodes;
};

// ---- events ----------------------------------------------------------------------------------------------------

struct Started {  // first event of all
  ActiveConfig active;
  std::uint32_t run = 0;  // this start's number (R9)
  std::string nonce;      // random, [a-z0-9]: submission ids are made from it
  LedgerImage ledger;
};
struct ConfigChanged {
  ActiveConfig active;
};
struct DemandSeen {  // answer to PollWms
  std::string wms;
  Seq asked;
  Mono asked_at;
  Result<View<DemandData>> view;
  bool pushes = false;  // Wms::pushes() after the call: the next poll may go out at once
};
struct BatchSeen {  // answer to PollBatch
  std::string batch;
  Seq asked;
  Mono asked_at;
  Result<View<BatchData>> view;
};
struct EventsSeen {  // answer to FollowBatch
  std::string batch;
  Result<View<FeedData>> view;
};
struct SubmitAnswered {
  std::string submission;
  Result<std::vector<std::string>> batch_ids;
};
struct FindAnswered {  // answer to FindPilots
  std::string batch;
  Seq asked;
  Mono asked_at;
  std::vector<std::string> submissions;
  Result<View<std::vector<PilotSeen>>> view;
};
struct RemoveAnswered {
  std::string batch;
  std::vector<std::uint64_t> pilots;
  Result<std::int64_t> removed;
};
struct AvoidAnswered {  // answer to AvoidNodes
  std::string queue;
  Result<std::int64_t> told;
};
// A wrapper's word (APFMon job form), authenticated by the submission's report key.
struct PilotReported {
  std::string submission;
  std::uint32_t index = 0;
  std::string batch_id;                  // may be empty
  std::string state;                     // running|exiting|fault
  std::optional<std::int32_t> rc;        // of exiting
  std::optional<std::int32_t> payloads;  // run so far; 0 with exiting: "empty"
  bool payload_started = false;          // a payload has started by now
  std::string node;
  std::string failure = {}, text = {};  // of fault: its class in one word ("disk"), and a sentence
  std::int64_t keeps = 0;               // seconds that the pilot still keeps its slot, without work (R11)
  std::string profile = {};             // what the node is, JSON; for monitors
};
struct CommitDone {
  std::uint64_t pass = 0;
  std::optional<Error> error;  // the effects that waited for it were dropped
};
// The submit host's own state (R13).
struct HostSeen {
  std::int64_t free_disk = 0, free_inodes = 0, free_memory = 0;
};
struct Verb {         // an operator's word; who asked is part of it
  Hold hold;          // verb pause|disable|drain
  bool lift = false;  // resume|enable
};
struct RemoveAsked {  // apf pilots remove
  std::vector<std::uint64_t> pilots;
  std::string who, reason;
};
struct AcceptView {  // apf batch accept-view NAME
  std::string batch, who;
};
struct Adopt {  // apf adopt: this instance takes over the pilots of the same factory id (R9)
  std::string who;
};
struct Stopping {};  // no new submissions; the shell is about to end
struct Pass {};      // decide: reconcile is done by the events, this allocates, folds the chains and emits

using Event = std::variant<Started, ConfigChanged, DemandSeen, BatchSeen, EventsSeen, SubmitAnswered, FindAnswered,
                           RemoveAnswered, AvoidAnswered, PilotReported, CommitDone, HostSeen, Verb, RemoveAsked,
                           AcceptView, Adopt, Stopping, Pass>;

// ---- decisions -------------------------------------------------------------------------------------------------

struct StepTaken {
  std::string plugin;
  std::int64_t in = 0, out = 0;
  std::string message;
};

struct Decision {
  std::string queue;
  Wall at;
  std::uint64_t pass = 0, seq = 0;
  std::string config_version;
  SchedInput input;
  std::vector<StepTaken> steps;
  std::int64_t chain = 0;    // the chain's last number
  std::int64_t outside = 0;  // of it, outside the demand (R10)
  std::int64_t n = 0;        // what is submitted (> 0) or retired (< 0)
  std::string bound_by;      // the step or cap that set the number: "maxpending", "cap factory.max_pilots"
  std::string held;          // why nothing may be done, in words; empty: not held
  std::string acted;         // what was done to pilots beyond n, with its rule: "released 3 held pilots: ..."
  std::string held_code;     // stable: "batch.view_suspect", "operator.paused", ...
};
// "Ready:in=0,activated=100,offset=4,pending=10,ret=86;Scale:in=86,..."
std::string message(const Decision& d);

struct Alarm {          // R17
  std::string code;     // "batch.view_refused"
  std::string subject;  // "batch:pool"
  std::string text;     // a sentence
  Wall since;
  bool operator==(const Alarm&) const = default;
};

// ---- effects ---------------------------------------------------------------------------------------------------

struct Commit {  // always the first effect of a pass that has one; at most one is under way at a time
  std::shared_ptr<const LedgerBatch> batch;
};
struct PollWms {
  std::string wms;
  Seq asked;
  std::vector<std::string> wms_queues;
  std::string cursor;
};
struct PollBatch {
  std::string batch;
  Seq asked;
  std::string cursor;
};
struct FollowBatch {
  std::string batch;
  std::string cursor;
};
struct SubmitPilots {  // only after the pass's commit
  std::string submission;
  std::shared_ptr<const QueueSpec> queue;
  std::int32_t n = 0;
  Wall planned{};                             // as in the ledger; the place of the pilots' logs follows from it
  std::vector<std::string> avoid_nodes = {};  // R11
  std::int64_t place = 0;                     // SubmitOrder::place
  std::uint64_t first_no = 0;                 // SubmitOrder::first_no
};
struct AvoidNodes {  // the queue's pending pilots, too, shall avoid these nodes from now on, and no others
  std::string batch, queue;
  std::vector<std::string> nodes;
};
struct FindPilots {
  std::string batch;
  Seq asked;
  std::vector<std::string> submissions;
};
struct RemovePilots {  // only after the pass's commit
  std::string batch;
  std::vector<std::uint64_t> pilots;
  std::vector<Batch::Removal> removals;
  std::vector<PilotState> only_in;
  std::string why;
};
struct ReleasePilots {  // held ones, for another try
  std::string batch;
  std::vector<Batch::Removal> pilots;
  std::string why;
};
struct Journal {
  Decision decision;
};
struct Tell {  // for monitors
  std::vector<PilotNote> pilots;
  std::vector<QueueNote> queues;
};
struct AlarmChanged {
  Alarm alarm;
  bool raised = false;
};
struct Wake {  // give a Pass at this time at the latest
  Mono at;
};

using Effect = std::variant<Commit, PollWms, PollBatch, FollowBatch, SubmitPilots, FindPilots, RemovePilots,
                            ReleasePilots, AvoidNodes, Journal, Tell, AlarmChanged, Wake>;

}  // namespace apf::core
