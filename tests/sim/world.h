// A simulated world around the real core: sites with slots, start latency and failures; a WMS whose tables lag; a
// ledger that survives; clients that crash. Time is simulated, chance is seeded: a run is repeated bit for bit.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/factory.h"
#include "core/state.h"

namespace apf::sim {

using core::FactoryState;

// One step of a chain: the plug-in's name and its options as text.
struct StepText {
  std::string use;
  std::map<std::string, std::string> options;
};
core::Chain make_chain(const std::vector<StepText>& steps);
// What most queues have: ready, at most 50 a cycle, and at most so many pending.
std::vector<StepText> usual_chain(int max_pending = 100);

struct QueueModel {
  std::string name;
  std::vector<StepText> chain;
  std::string wms_queue;  // empty: the queue's name
  double weight = 1;
  Retire retire = Retire::none;
  std::string renamed_from = {};
  std::int64_t trial = 5;
};

// A worker node, and how it ruins pilots: each with probability `ruins`, `after` it started and took a job.
struct NodeModel {
  std::string name;
  int slots = 1;
  double ruins = 0;
  Duration after = seconds{2};
  std::int32_t exit_code = 1;
  Duration from{};  // since the world began; before it the node is sound
};
std::vector<NodeModel> sound_nodes(int n, int slots = 1);

struct SiteModel {
  int slots = 100;                      // of each queue
  std::vector<NodeModel> nodes;         // instead of slots: all queues share them
  Duration start_latency = seconds{5};  // from submission to a slot, at least
  double fail_rate = 0;                 // of pilots that die as they start
  Duration job_time = seconds{600};
  double job_spread = 0;  // jobs take up to this part of their time more or less
  bool reports = true;    // wrappers report
};

struct WmsModel {
  Duration refresh = seconds{60};  // its tables are made anew this often (0: always exact)
  Duration interval = seconds{30};
};

struct Scenario {
  std::vector<QueueModel> queues;
  SiteModel site;
  WmsModel wms;
  Duration batch_interval = seconds{30};
  Duration settle_wait = seconds{60};
  std::uint64_t seed = 1;
  bool events = false;  // the batch system tells what happens
};

Scenario one_queue();  // "Q", with the usual chain

struct SimPilot {
  PilotSeen seen;
  std::uint64_t job = 0;  // 0: none
  bool failing = false, counted = false, bad_release = false;
  int payloads = 0;
  std::vector<std::string> avoid;
};

// What the batch system's list says instead of the truth.
using ViewFault = std::function<Result<View<BatchData>>(Result<View<BatchData>>)>;
using DemandFault = std::function<void(Result<View<DemandData>>&)>;
using SubmitFault = std::function<bool(const core::SubmitPilots&)>;  // true: the pilots exist, the answer is lost

class World {
 public:
  explicit World(const Scenario& scenario);

  void add_jobs(const std::string& wms_queue, int n);
  void run_for(Duration d);
  void run_until(Mono t);
  void crash();                         // kill -9: state and everything under way are gone; then a new start
  void post(const core::Event& event);  // an operator's word, say
  void reconfigure(const Scenario& scenario);
  void lose_ledger();  // the state directory is gone: a new start on an empty one
  struct Backup {
    core::LedgerImage image;
    std::map<std::uint64_t, core::Pilot> pilots;
    std::map<std::string, core::Submission> submissions;
    std::uint32_t run;
  };
  [[nodiscard]] Backup backup() const;
  void restore(const Backup& backup);  // and start

  // Stop before the boundary with this number (0: never): then `killed` is set and nothing goes on until crash().
  std::uint64_t kill_at = 0;
  std::uint64_t boundary = 0;
  bool killed = false;

  ViewFault view_fault;
  DemandFault demand_fault;
  Duration view_delay{};  // each list comes later by this
  SubmitFault lose_answer;
  bool refuse_commits = false;
  HoldKind hold_kind = HoldKind::passing;
  std::int64_t released = 0;                   // held pilots that got another try
  bool hold_new = false;                       // the batch system holds every new pilot
  bool hold_started = false;                   // it holds every pilot 3 s after it gave it a slot
  bool deaf = false;                           // the feed of events can't be read
  bool mute = false;                           // the feed tells of nothing, as if nothing happened
  void vanish(const std::string& submission);  // its pilots are gone without a trace: no history, no event, no report
  void lose_events();                          // those that were not read yet are gone for good: a gap
  bool wms_down = false;                       // pilots reach no WMS, and neither does the factory
  bool bad_wrapper = false;                    // the wrapper that nodes fetch from now on does not run: exit code 64
  bool bad_release = false;   // the wrapper that is pinned to pilots submitted from now on dies after it took a job
  double bad_jobs = 0;        // share of jobs whose payload fails after 5 s; the pilot takes the next one
  bool one_job_each = false;  // a pilot ends after one job

  // ---- truth ----
  [[nodiscard]] std::int64_t waiting(const std::string& wms_queue) const;
  [[nodiscard]] std::int64_t running_jobs() const { return running_jobs_; }
  [[nodiscard]] std::int64_t done_jobs() const { return done_jobs_; }
  [[nodiscard]] std::int64_t live(const std::string& queue = {}) const;  // pilots in the batch system
  [[nodiscard]] std::int64_t pending(const std::string& queue = {}) const;
  [[nodiscard]] std::int64_t submitted() const { return submitted_; }
  [[nodiscard]] std::int64_t lost_jobs() const { return lost_jobs_; }      // taken by pilots that were then ruined
  [[nodiscard]] std::int64_t failed_jobs() const { return failed_jobs_; }  // by their own fault
  // Nodes that were excluded at any time, each once for each time.
  [[nodiscard]] const std::set<std::pair<std::string, std::int64_t>>& exclusions() const { return exclusions_; }
  [[nodiscard]] std::int64_t ended_pilots() const { return std::int64_t(history_.size()); }
  [[nodiscard]] std::int64_t removed() const { return removed_; }
  [[nodiscard]] std::int64_t slots_used() const;
  [[nodiscard]] std::int64_t held() const;
  [[nodiscard]] std::int64_t empty_pilots() const { return empty_; }
  [[nodiscard]] const std::map<std::string, SimPilot>& pilots() const { return pilots_; }
  [[nodiscard]] const std::map<std::string, int>& copies() const { return copies_; }  // submission -> times submitted
  [[nodiscard]] const core::LedgerImage& ledger() const { return stored_; }
  [[nodiscard]] const std::vector<core::Decision>& decisions() const { return decisions_; }
  [[nodiscard]] const std::vector<core::AlarmChanged>& alarms() const { return alarms_; }
  FactoryState& state() { return *state_; }
  [[nodiscard]] Mono now() const { return now_; }
  [[nodiscard]] Wall wall() const;
  Duration clock_step{};  // added to the wall clock from now on

 private:
  struct Due {
    Mono at;
    std::uint64_t order;
    std::function<void()> act;
    bool operator>(const Due& o) const { return at != o.at ? at > o.at : order > o.order; }
  };
  void later(Duration d, std::function<void()> act, bool of_factory = true);
  bool boundary_passed();  // false: killed here
  void start();
  void deliver(const core::Event& event);
  void pass();
  void run(const core::Effect& effect);
  void perform(const core::Commit& e);
  void perform(const core::PollWms& e);
  void perform(const core::PollBatch& e);
  void perform(const core::FollowBatch& e);
  void perform(const core::SubmitPilots& e);
  void perform(const core::FindPilots& e);
  void perform(const core::RemovePilots& e);
  void perform(const core::ReleasePilots& e);
  void perform(const core::AvoidNodes& e);
  void perform(const core::Journal& e);
  void perform(const core::Tell& e);
  void perform(const core::AlarmChanged& e);
  void perform(const core::Wake& e);
  void start_pilot(const std::string& queue);
  std::vector<const NodeModel*> free_slots(const std::string& queue);
  void run_pilot(const std::string& id);
  void next_job(const std::string& id);
  void hold_pilot(const std::string& id);
  void free_slot(const SimPilot& p);
  void end_pilot(const std::string& id, PilotState state, int rc);
  void report(const SimPilot& p, const std::string& what, bool payload, std::optional<int> payloads, int rc = 0);
  View<BatchData> list(const std::string& cursor);
  void follow(const core::FollowBatch& call, Duration patience);
  View<DemandData> tables();

  core::ActiveConfig configuration() const;

  Scenario scenario_;
  std::mt19937_64 chance_;
  core::ActiveConfig active_;
  core::StatePtr state_;
  std::uint32_t run_ = 0;
  std::uint64_t life_ = 0;  // of the factory's process: what an earlier one began is void
  Mono now_{seconds{1'000'000}.count() * 1};
  std::uint64_t order_ = 0;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  Mono wake_ = core::kNever;
  bool pass_planned_ = false;
  std::vector<core::Effect> waiting_for_commit_;
  bool commit_out_ = false;

  core::LedgerImage stored_;
  std::map<std::uint64_t, core::Pilot> stored_pilots_;
  std::map<std::string, core::Submission> stored_submissions_;

  std::map<std::string, std::int64_t> waiting_;  // truth, by WMS queue
  std::map<std::string, std::int64_t> table_;    // what the WMS says
  Mono table_at_;
  std::int64_t running_jobs_ = 0, done_jobs_ = 0, submitted_ = 0, removed_ = 0, empty_ = 0;
  std::int64_t lost_jobs_ = 0, failed_jobs_ = 0;
  Mono began_ = now_;
  std::set<std::pair<std::string, std::int64_t>> exclusions_;
  std::uint64_t next_job_ = 1;
  std::uint64_t next_cluster_ = 1;
  std::map<std::string, SimPilot> pilots_;  // live, by batch id
  std::vector<PilotSeen> history_;
  std::vector<PilotSeen> events_;  // all that ever happened, in order; cursors are positions in it
  std::size_t events_lost_ = 0;    // those before this position can't be read any more
  std::map<std::string, int> copies_;
  std::map<std::string, std::int64_t> busy_;             // slots in use, by queue
  std::map<std::string, int> busy_nodes_;                // slots in use, by node
  std::map<std::string, std::deque<std::string>> fifo_;  // pending pilots in order
  std::vector<core::Decision> decisions_;
  std::vector<core::AlarmChanged> alarms_;
};

}  // namespace apf::sim
