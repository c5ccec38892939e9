// The factory's state, for the core and its tests only. One struct a thing: pilot, submission, queue, source.
//
// Invariants (tests/sim and state_test hold them):
//   - every live pilot stands in `pilots`, in its source's `by_id` and in its queue's `members`;
//   - a queue's `counts` equal what a count over its members would say; only set_state() and its like touch them;
//   - everything that changed since the last commit is in `unsaved`.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/ends.h"
#include "core/factory.h"
#include "core/health.h"
#include "core/texts.h"

namespace apf::core {

constexpr Mono kNever{INT64_MAX};

// A live pilot. Names are numbers here: 100 000 of these are in memory.
struct LivePilot {
  std::uint64_t no = 0;
  std::string batch_id;
  std::uint32_t queue = 0, source = 0;  // into FactoryState::queues and ::batches
  std::uint32_t submission = 0;         // into FactoryState::submissions
  std::uint32_t index = 0, run = 0;
  std::uint32_t member = 0;  // position in its queue's members
  std::uint32_t seen = 0;    // epoch of the last view that showed it
  PilotState state = PilotState::pending;
  bool used = false;  // the slot holds a pilot
  bool missing = false, started_told = false, empty = false, payload_told = false;
  bool told = false;                             // the feed of events has told of it
  bool judged = false;                           // its end was held for or against its node (R11)
  std::uint8_t missing_views = 0;                // trusted views without it
  std::uint32_t node = 0, reason = 0, rule = 0;  // into FactoryState::texts
  std::int32_t exit_code = -1, payloads = -1;
  Seq known;  // a view asked before this can't judge it (R4)
  Seq fact;   // newest fact about it; older views lose
  Mono submitted_at, started_at, payload_at, missing_since;
  Mono exiting_at;  // its wrapper said that it ends; ns 0: it did not
  HoldKind hold = HoldKind::none;
  std::uint8_t releases = 0;    // how often it got another try
  Mono held_at, first_held_at;  // of this hold or its last release, and of the first hold; ns 0: never held
  Mono removing_at;             // a removal was asked for; ns 0: none
  Wall submitted, started, payload_start;
  [[nodiscard]] bool exiting() const { return exiting_at.ns != 0; }
};

struct LiveSubmission {
  Submission row;
  std::uint32_t queue = 0, source = 0;
  std::uint32_t live = 0;  // pilots in memory that refer to it
  bool used = false;
  bool in_flight = false;  // SubmitPilots is out, no answer yet
  bool planned = false;    // waits for its commit
  Mono planned_at;
  std::uint64_t first_no = 0;  // pilots 0..numbered-1 have the ledger's numbers from here on
  std::uint32_t numbered = 0;  // none after a restart: what is found then is numbered as it comes
  // settling (R8)
  int looks = 0;  // complete answers without everything found
  Mono first_look;
  std::set<std::uint32_t> found;  // indexes that exist
};

// A pilot that left pending lately: it may have taken a job the WMS still calls ready (R2).
struct Claim {
  std::uint64_t pilot = 0;
  Mono planned_at, started_at;  // started_at.ns 0: it ended without having started
  Mono payload_at;              // ns 0: not told
  bool empty = false;
};

struct Counts {
  std::array<std::int64_t, 6> live{};  // by PilotState, the six live ones
  std::int64_t missing = 0;
  [[nodiscard]] std::int64_t of(PilotState s) const { return live[static_cast<std::size_t>(s)]; }
  [[nodiscard]] std::int64_t pending() const {
    return of(PilotState::pending) + of(PilotState::held) + of(PilotState::unknown);
  }
  [[nodiscard]] std::int64_t running() const {
    return of(PilotState::running) + of(PilotState::suspended) + of(PilotState::transferring);
  }
};

// Ends of the last hour, by minute.
struct Hour {
  std::array<std::uint32_t, 60> done{}, failed{};
  std::int64_t minute = 0;     // the minute the newest bucket stands for
  void add(bool ok, Mono at);  // at may lie in the past
  void roll(Mono now);
  [[nodiscard]] std::int64_t sum_done() const;
  [[nodiscard]] std::int64_t sum_failed() const;
};

// A pilot of which nobody knows yet whether the batch system will hold it: it has just been submitted, or has started.
struct Unproven {
  std::uint32_t slot = 0;
  std::uint64_t no = 0;
  Mono since;
  bool started = false;
};

// Whether the queue's pilots are held or live: trial.cc.
struct Trial {
  std::vector<Unproven> unproven;
  Mono lived_at, held_at;  // the newest start of a pilot that lived, and the newest hold; ns 0: none
};

struct Queue {
  std::shared_ptr<const QueueSpec> spec;
  Chain chain;
  bool gone = false;         // not configured any more: tracked to its end
  int wms = -1, batch = -1;  // into FactoryState::wmses and ::batches
  Counts counts;
  std::vector<std::uint32_t> members;  // live pilots
  QueueRecord life;
  Hour hour;
  std::deque<Claim> claims;
  Ends ends;  // what its chain asks about
  Trial trial;
  Health health;            // nodes that ruin its pilots, or the queue itself (R11)
  int open = -1;            // its open submission (R8: one a queue)
  std::int64_t open_n = 0;  // pilots of it that are not known yet
  // the cycle (R1)
  Mono cycle_start;
  std::int64_t used = 0;
  // retirement (R7)
  int negative_cycles = 0;
  Mono negative_counted, retired_at;
  // proven ends since the view of its batch source became doubtful, less what was submitted since (R5)
  std::int64_t budget = 0;
  // refusals by the batch system, or for want of a good credential
  Mono sanitise_at;   // not before
  std::string acted;  // for the next decision
  int refusals = 0;
  Mono backoff_until;
  std::string refusal, refusal_code;
  int group = -1;             // into FactoryState::groups
  Mono next_decide = kNever;  // decide again then, whatever happens
  bool dirty = true;
  std::shared_ptr<const Decision> last;
};

enum class Trust : std::uint8_t { never, ok, failing, refused };

struct SourceBase {
  std::string name;
  bool gone = false;
  bool polling = false;
  Mono next_poll;  // {0}: at once
  Mono asked_at;
  int failures = 0;
  Trust trust = Trust::never;
  std::string trouble, evidence, cursor;
  Mono view_at;         // when the last trusted view was asked
  Mono doubtful_since;  // first failed or refused poll since the last trusted view; ns 0: none
  Wall view_as_of;
  bool pushes = false;
};

struct WmsState : SourceBase {
  WmsSource spec;
  Mono arrived;                                                   // of the last trusted view
  Mono true_at;                                                   // t_w of R2
  std::map<std::string, std::vector<Demand>, std::less<>> cells;  // by WMS queue
  std::map<std::string, std::string, std::less<>> sites;
  // WMS queues whose ready jumped and that no second view has confirmed, with the pilots submitted since (R6)
  std::map<std::string, std::int64_t, std::less<>> jumped;
  bool tells_labels = true, tells_types = true;  // as in DemandData
};

// Pilots that ended within the last two hours, and when in the ledger's order. A list that was asked for before an end
// may still show the pilot (R4); one that was asked for later and shows many of them is an old list (R5). At 300 000
// the oldest go.
class Tombs {
 public:
  void put(std::string_view batch_id, std::string_view submission, Seq ended, Mono now);
  [[nodiscard]] std::optional<Seq> find(std::string_view batch_id, std::string_view submission) const;
  void forget_old(Mono now);

 private:
  std::unordered_map<std::uint64_t, Seq> ended_;  // by a hash of both: a batch system that starts anew numbers anew
  std::deque<std::pair<Mono, std::uint64_t>> order_;
};

// What the batch system tells by itself. `whole`: no event was missed since the last trusted view, or since what the
// ledger held at the start.
struct Feed {
  bool following = false;  // FollowBatch is out
  bool absent = false;     // the plug-in has none, or it is not set up: `trouble` says why
  bool whole = false, blind = false, was_fed = false;
  int failures = 0;
  Mono next;     // follow again at
  Mono told_at;  // last answer; ns 0: none yet
  Mono sure_at;  // up to here the ledger was right by its events
  Seq since;     // the feed began, or lost something, here: a view asked later is needed
  std::string cursor, evidence, trouble;
  struct Witness {
    std::string batch_id;
    Mono since;
  };
  std::deque<Witness> witnesses;  // acknowledged pilots that the events should tell of, one a submission
};

struct BatchState : SourceBase {
  BatchSource spec;
  std::unordered_map<std::string_view, std::uint32_t> by_id;  // batch id -> slot
  Tombs tombs;
  std::int64_t open = 0;     // pilots of open submissions that are not known one by one
  std::int64_t missing = 0;  // pilots absent from trusted views (R4)
  bool adopt_all = false;    // R9: an empty ledger, or the operator's word
  bool accept_next = false;  // R5: the operator accepts the next view as it is
  Mono refused_at;           // a view was refused, and none that shows pilots was trusted since; ns 0: none
  std::string foreign;       // R9: why nothing may be submitted
  Feed feed;
  float load = -1;  // of the batch system's server, 0 to 1 (R13); negative: not told
  bool finding = false;
  Mono next_find;
  int canary = -1;  // submission of the canary (R5)
  bool canary_used = false, probe_absent = false;
  std::vector<std::uint32_t> absent;  // slots the refused view did not show
  std::deque<Mono> sent;              // one entry a pilot submitted within the last minute (R13)
};

class FactoryState {
 public:
  ActiveConfig active;
  std::uint32_t run = 0;
  std::string nonce;
  Wall started;
  std::string doubt;  // R9: why the state directory seems to be a copy; until Adopt
  bool stopping = false;

  std::uint64_t seq = 0, next_pilot = 1, next_submission = 1, passes = 0;
  std::uint32_t epoch = 0;

  std::deque<LivePilot> pilots;  // slots; addresses are stable, by_id keys point into them
  std::vector<std::uint32_t> free_pilots;
  std::deque<LiveSubmission> submissions;
  std::vector<std::uint32_t> free_submissions;
  std::unordered_map<std::string, std::uint32_t> submission_by_id;
  std::deque<Queue> queues;
  std::unordered_map<std::string, std::uint32_t> queue_by_name;
  std::vector<std::vector<std::uint32_t>> groups;  // queues that serve the same WMS queue
  std::map<std::string, QueueRecord> other_lives;  // of queues that are neither configured nor have pilots
  std::deque<WmsState> wmses;
  std::deque<BatchState> batches;
  Texts texts;
  std::size_t texts_due = 20'000;                     // when there are so many, unused ones are forgotten
  std::unordered_map<std::uint32_t, Host> hosts;      // of a node's name in texts: nodes.cc
  std::int64_t total_pending = 0, total_running = 0;  // of all queues, open submissions apart
  std::int64_t total_open = 0;

  std::vector<Hold> holds;
  std::map<std::pair<std::string, std::string>, Alarm> alarms;  // (code, subject)
  std::vector<AlarmChanged> alarm_changes;
  std::deque<Mono> sent;  // pilots of all sources submitted within the last minute
  std::optional<HostSeen> host;
  std::string ledger_trouble;
  Mono ledger_retry;

  // what the next commit writes
  std::map<std::uint64_t, Pilot> unsaved_pilots;    // rows that have ended, or came back from a failed commit
  std::unordered_set<std::uint32_t> unsaved_slots;  // live ones, copied when the commit is made
  std::map<std::string, Submission> unsaved_submissions;
  std::set<std::uint32_t> unsaved_queues;
  std::map<std::string, std::string> unsaved_cursors;
  bool unsaved_holds = false;
  std::shared_ptr<const LedgerBatch> committing;  // at most one commit is under way
  std::vector<std::uint32_t> planned;             // submissions that wait for it

  Tell notes;  // for the monitors, since the last pass
  struct AskedRemoval {
    std::vector<std::uint64_t> pilots;
    std::string rule;
  };
  std::vector<AskedRemoval> removals_asked;
  std::vector<std::uint64_t> removals_waiting;  // pilots whose removal waits for the commit
  std::set<std::uint32_t> changed;              // queues whose snapshot is due
  Mono hour_rolled;

  Seq next_seq() { return Seq{++seq}; }
  [[nodiscard]] bool watched() const { return !active.config->monitors.empty(); }  // somebody wants notes
};

// The moment on our clock (ages) that a wall clock's time stands for; never in the future, and at most ten years ago,
// whatever a batch system's clock says.
Mono on_our_clock(Wall told, Mono now, Wall shown);

// ---- pilots.cc: the only code that touches counts --------------------------------------------------------------
std::uint32_t add_pilot(FactoryState& s, std::uint32_t submission, const std::string& batch_id, std::uint32_t index,
                        Mono now, Wall shown);
void set_state(FactoryState& s, std::uint32_t slot, PilotState to, Mono now, Wall shown);  // live states only
void set_missing(FactoryState& s, std::uint32_t slot, bool missing, Mono now);
struct End {
  PilotState state = PilotState::done;
  std::int32_t exit_code = -1;
  float wall_s = -1, cpu_s = -1;
  Wall started, ended;  // as the batch system says; 0: not told
  std::string reason;
  bool lost = false;
  bool evicted = false;
};
void end_pilot(FactoryState& s, std::uint32_t slot, const End& end, Mono now, Wall shown);  // leaves memory
void save(FactoryState& s, std::uint32_t slot);                                             // mark for the next commit
Pilot row(const FactoryState& s, const LivePilot& p);
void touch(FactoryState& s, std::uint32_t queue);  // decide again, show again
// All queues that submit to this source: decide again; or, from now on, only what provably ends may be made up for
// (R5).
void touch_source(FactoryState& s, std::uint32_t source);
void no_budget(FactoryState& s, std::uint32_t source);

// ---- texts.cc ----------------------------------------------------------------------------------------------------
void forget_texts(FactoryState& s);  // when there are many

// ---- queues.cc: configuration, names ---------------------------------------------------------------------------
std::uint32_t queue_named(FactoryState& s, const std::string& name,
                          const std::string& batch);        // made as gone if unknown
int batch_named(FactoryState& s, const std::string& name);  // made as gone if unknown
void configure(FactoryState& s, const ActiveConfig& active, Mono now);
void start(FactoryState& s, const Started& e, Mono now, Wall shown);

// ---- submissions.cc: submit path and settling (R8) -------------------------------------------------------------
std::uint32_t plan_submission(FactoryState& s, std::uint32_t queue, std::int32_t n, Mono now, Wall shown);
std::uint32_t adopt_submission(FactoryState& s, const std::string& id, std::uint32_t queue, int source,
                               std::uint32_t run, Wall shown);
void close_submission(FactoryState& s, std::uint32_t at, SubmissionState state, const std::string& note, Wall shown);
void note_found(FactoryState& s, std::uint32_t at, std::uint32_t index);  // a pilot of it exists
void release_submission(FactoryState& s, std::uint32_t at);               // nothing refers to it any more
void on_answer(FactoryState& s, const SubmitAnswered& e, Mono now, Wall shown);
void on_find(FactoryState& s, const FindAnswered& e, Mono now, Wall shown);
void look_up(FactoryState& s, Mono now, std::vector<Effect>& out);  // emits FindPilots where due

// ---- reconcile.cc: views and reports (R4, R5, R9) --------------------------------------------------------------
void on_batch_view(FactoryState& s, const BatchSeen& e, Mono now, Wall shown);
void on_demand_view(FactoryState& s, const DemandSeen& e, Mono now, Wall shown);
void note_profile(FactoryState& s, const LivePilot& p, const std::string& profile, Wall shown);
void on_report(FactoryState& s, const PilotReported& e, Mono now, Wall shown);
// Why this row must not be there (R9), or nothing.
std::string foreign(const FactoryState& s, const BatchState& b, const PilotSeen& row);
void apply_seen(FactoryState& s, std::uint32_t source, const PilotSeen& row, Seq asked, Mono now, Wall shown);

// ---- feed.cc: events of the batch system -----------------------------------------------------------------------
void on_events(FactoryState& s, const EventsSeen& e, Mono now, Wall shown);
// The feed is current and whole: the ledger is right, whatever a view says.
bool fed(const BatchState& b, Mono now);
// So sure of the source that pilots may be removed: it is fed, or its last view was trusted and is younger than
// max_age.
bool sure(const BatchState& b, Mono now);
// Since when the ledger may be wrong about this source: its last trusted view or its last events.
Mono sure_at(const BatchState& b);
void expect_events(FactoryState& s, std::uint32_t source, const std::string& batch_id, Mono now);
void feed_meets_view(BatchState& b, Seq asked);  // a view was trusted
void watch_feeds(FactoryState& s, Mono now);     // at each pass: feeds that fell silent or came back
void follow(FactoryState& s, Mono now, std::vector<Effect>& out);
Mono next_follow(const FactoryState& s);

// ---- allocate.cc: claimed and shared demand (R2, R10) ----------------------------------------------------------
// Pilots of q that have probably taken jobs which the WMS's view still calls ready (R2).
std::int64_t claimed(FactoryState& s, Queue& q);
std::vector<const Demand*> cells_of(const FactoryState& s, const Queue& q);
// Ready less pending and claimed pilots, for a queue that shares its demand with nobody.
std::int64_t free_demand(FactoryState& s, Queue& q);
// Deals shared demand to the queues in `who` (in the pass's order), by weight, largest remainder first. `use(queue,
// dealt)` tells how many pilots the queue makes of its share; what the others leave is offered again to those that
// used all of theirs. Returns each queue's part.
using Use = std::function<std::int64_t(std::uint32_t queue, std::int64_t dealt)>;
std::map<std::uint32_t, std::int64_t> deal(FactoryState& s, const std::vector<std::uint32_t>& who, Mono now,
                                           const Use& use);

// ---- exclusions.cc -----------------------------------------------------------------------------------------------
void tell_pending(FactoryState& s, std::uint32_t queue, Mono now, std::vector<Effect>& out);  // emits AvoidNodes
void on_avoided(FactoryState& s, const AvoidAnswered& e, Mono now);

// ---- decide.cc -------------------------------------------------------------------------------------------------
void decide_all(FactoryState& s, Mono now, Wall shown, std::vector<Effect>& out);

// ---- retire.cc (R7, R14 drain, operator's removals) ------------------------------------------------------------
// Lets up to n pilots of the queue go as its policy allows; returns how many, and says what bound it.
std::int64_t retire(FactoryState& s, std::uint32_t queue, std::int64_t n, Mono now, std::vector<Effect>& out,
                    std::string& bound_by);
void remove(FactoryState& s, const std::vector<std::uint32_t>& slots, const std::vector<PilotState>& only_in,
            const std::string& rule, Mono now, std::vector<Effect>& out);
bool being_removed(const LivePilot& p, Mono now);
void note_act(Queue& q, const std::string& text);  // into the queue's next decision
void drain(FactoryState& s, Mono now, Wall shown, std::vector<Effect>& out);
void remove_asked(FactoryState& s, Mono now, std::vector<Effect>& out);
void on_removed(FactoryState& s, const RemoveAnswered& e, Mono now);

// ---- trial.cc: pilots that may be held yet -----------------------------------------------------------------------
void await_proof(Queue& q, std::uint32_t slot, const LivePilot& p, Mono since);
void note_lived(Queue& q, Mono started);  // a pilot that started then was not held

// ---- sanitise.cc: pilots that go wrong -------------------------------------------------------------------------
void note_hold(LivePilot& p, HoldKind kind, Mono now);
void sanitise(FactoryState& s, Mono now, Wall shown, std::vector<Effect>& out);

// ---- alarms ----------------------------------------------------------------------------------------------------
void raise(FactoryState& s, const std::string& code, const std::string& subject, const std::string& text, Wall shown);
void clear(FactoryState& s, const std::string& code, const std::string& subject);

}  // namespace apf::core
