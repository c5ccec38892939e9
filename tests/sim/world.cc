#include "sim/world.h"

#include <algorithm>
#include <stdexcept>

#include "apf/registry.h"

namespace apf::sim {
namespace {

OptionValue value_of(const OptionSpec& spec, const std::string& text) {
  switch (spec.type) {
    case OptionType::integer: return std::int64_t{std::stoll(text)};
    case OptionType::real: return std::stod(text);
    case OptionType::boolean: return text == "true";
    default: return text;
  }
}

}  // namespace

core::Chain make_chain(const std::vector<StepText>& steps) {
  static const Registry registry = [] {
    Registry r;
    register_all(r);
    return r;
  }();
  core::Chain chain;
  for (const auto& step : steps) {
    const auto* plugin = find(registry.sched, step.use);
    if (plugin == nullptr) throw std::runtime_error("no sched plug-in " + step.use);
    Options options;
    for (const auto& spec : plugin->options) {
      const auto given = step.options.find(std::string(spec.name));
      if (given != step.options.end())
        options.set(std::string(spec.name), value_of(spec, given->second));
      else if (!spec.fallback.empty())
        options.set(std::string(spec.name), value_of(spec, std::string(spec.fallback)), {}, false, false);
    }
    chain.emplace_back(step.use, std::shared_ptr<const SchedStep>(std::move(plugin->make(options).value())));
  }
  return chain;
}

std::vector<NodeModel> sound_nodes(int n, int slots) {
  std::vector<NodeModel> nodes;
  for (int i = 1; i <= n; ++i) nodes.push_back({"wn" + std::to_string(i) + ".site.org", slots});
  return nodes;
}

World::World(const Scenario& scenario) : scenario_(scenario), chance_(scenario.seed) {
  active_ = configuration();
  for (const auto& q : active_.config->queues) waiting_[q->wms_queue] = 0;
  table_ = waiting_;
  table_at_ = now_;
  stored_.fresh = true;
  start();
}

core::ActiveConfig World::configuration() const {
  core::ActiveConfig active;
  auto config = std::make_shared<core::Config>();
  config->version = "sim";
  config->factory.factory_id = "sim";
  core::WmsSource wms;
  wms.name = "wms";
  wms.plugin = "sim";
  wms.interval = scenario_.wms.interval;
  config->wms.push_back(wms);
  core::BatchSource batch;
  batch.name = "site";
  batch.plugin = "sim";
  batch.interval = scenario_.batch_interval;
  batch.settle_wait = scenario_.settle_wait;
  config->batch.push_back(batch);
  for (const auto& q : scenario_.queues) {
    auto spec = std::make_shared<QueueSpec>();
    spec->name = q.name;
    spec->wms = "wms";
    spec->wms_queue = q.wms_queue.empty() ? q.name : q.wms_queue;
    spec->batch = "site";
    spec->weight = q.weight;
    spec->retire = q.retire;
    spec->renamed_from = q.renamed_from;
    config->queues.push_back(std::move(spec));
    active.chains.push_back(make_chain(q.chain));
    active.chooses_nodes.push_back(!scenario_.site.nodes.empty());
  }
  active.config = std::move(config);
  return active;
}

void World::reconfigure(const Scenario& scenario) {
  scenario_ = scenario;
  active_ = configuration();
  for (const auto& q : active_.config->queues) waiting_.try_emplace(q->wms_queue, 0);
  deliver(core::ConfigChanged{active_});
}

void World::lose_ledger() {
  stored_ = {};
  stored_.fresh = true;
  stored_pilots_.clear();
  stored_submissions_.clear();
  start();
}

World::Backup World::backup() const { return {stored_, stored_pilots_, stored_submissions_, run_}; }

void World::restore(const Backup& backup) {
  stored_ = backup.image;
  stored_pilots_ = backup.pilots;
  stored_submissions_ = backup.submissions;
  run_ = backup.run;
  start();
}

Wall World::wall() const { return Wall{1'800'000'000'000 + (now_.ns + clock_step.count()) / 1'000'000}; }

void World::later(Duration d, std::function<void()> act, bool of_factory) {
  const auto life = life_;
  due_.push({now_ + d, order_++, [this, life, of_factory, act = std::move(act)] {
               if (!of_factory || life == life_) act();
             }});
}

bool World::boundary_passed() {
  if (killed) return false;
  ++boundary;
  if (kill_at != 0 && boundary == kill_at) killed = true;
  return !killed;
}

void World::start() {
  ++life_;
  ++run_;
  killed = false;
  commit_out_ = pass_planned_ = false;
  waiting_for_commit_.clear();
  wake_ = core::kNever;
  state_ = core::make_state();
  core::Started started;
  started.active = active_;
  started.run = run_;
  started.nonce = "n" + std::to_string(run_);
  started.ledger = stored_;
  started.ledger.pilots.clear();
  started.ledger.submissions.clear();
  for (const auto& [no, p] : stored_pilots_)
    if (!ended(p.state) || wall().ms - p.ended.ms < 3'600'000) started.ledger.pilots.push_back(p);
  for (const auto& [id, sub] : stored_submissions_) started.ledger.submissions.push_back(sub);
  deliver(started);
}

void World::crash() { start(); }

void World::post(const core::Event& event) { deliver(event); }

void World::deliver(const core::Event& event) {
  if (killed) return;
  core::on(*state_, event, now_, wall());
  if (pass_planned_) return;
  pass_planned_ = true;
  later(milliseconds{200}, [this] {
    pass_planned_ = false;
    pass();
  });
}

void World::pass() {
  if (killed) return;
  const auto effects = core::on(*state_, core::Pass{}, now_, wall());
  core::take_changed(*state_);
  for (const auto& q : state_->queues)
    for (const auto& e : q.health.excluded) exclusions_.emplace(e.name, e.since.ms);
  bool commits = false;
  for (const auto& e : effects) {
    const bool waits =
        commits && (std::holds_alternative<core::SubmitPilots>(e) || std::holds_alternative<core::RemovePilots>(e));
    commits = commits || std::holds_alternative<core::Commit>(e);
    if (waits)
      waiting_for_commit_.push_back(e);
    else
      run(e);
  }
}

void World::run(const core::Effect& effect) {
  if (const auto* e = std::get_if<core::Commit>(&effect)) commit(e->batch);
  if (const auto* e = std::get_if<core::SubmitPilots>(&effect)) submit(*e);
  if (const auto* e = std::get_if<core::Journal>(&effect)) decisions_.push_back(e->decision);
  if (const auto* e = std::get_if<core::AlarmChanged>(&effect)) alarms_.push_back(*e);
  if (const auto* e = std::get_if<core::PollWms>(&effect))
    later(milliseconds{100}, [this, e = *e, asked = now_] {
      if (!boundary_passed()) return;
      Result<View<DemandData>> view = tables();
      if (wms_down) view = fail(Kind::transient, "sim.down", "connection refused");
      if (demand_fault) demand_fault(view);
      deliver(core::DemandSeen{e.wms, e.asked, asked, std::move(view), false});
    });
  if (const auto* e = std::get_if<core::AvoidNodes>(&effect))
    later(milliseconds{200}, [this, e = *e] {
      if (!boundary_passed()) return;
      std::int64_t told = 0;
      for (auto& [id, p] : pilots_)
        if (p.seen.queue == e.queue && p.seen.state == PilotState::pending) {
          p.avoid = e.nodes;
          ++told;
        }
      deliver(core::AvoidAnswered{e.queue, told});
    });
  if (const auto* e = std::get_if<core::PollBatch>(&effect)) {
    Result<View<BatchData>> view = list(e->cursor);
    if (view_fault) view = view_fault(std::move(view));
    later(milliseconds{300} + view_delay, [this, e = *e, asked = now_, view = std::move(view)] {
      if (boundary_passed()) deliver(core::BatchSeen{e.batch, e.asked, asked, view});
    });
  }
  if (const auto* e = std::get_if<core::FollowBatch>(&effect)) follow(*e, seconds{10});
  if (const auto* e = std::get_if<core::FindPilots>(&effect)) {
    View<std::vector<PilotSeen>> view;
    view.complete = true;
    const auto wanted = [&](const PilotSeen& p) {
      return std::find(e->submissions.begin(), e->submissions.end(), p.submission) != e->submissions.end();
    };
    for (const auto& [id, p] : pilots_)
      if (wanted(p.seen)) view.data.push_back(p.seen);
    for (const auto& p : history_)
      if (wanted(p)) view.data.push_back(p);
    later(milliseconds{300}, [this, e = *e, asked = now_, view] {
      if (boundary_passed()) deliver(core::FindAnswered{e.batch, e.asked, asked, e.submissions, view});
    });
  }
  if (const auto* e = std::get_if<core::RemovePilots>(&effect)) {
    later(milliseconds{100}, [this, e = *e] {
      if (!boundary_passed()) return;
      for (const auto& r : e.removals) {
        const auto at = pilots_.find(r.batch_id);
        if (at == pilots_.end()) continue;
        if (std::find(e.only_in.begin(), e.only_in.end(), at->second.seen.state) == e.only_in.end()) continue;
        ++removed_;
        end_pilot(r.batch_id, PilotState::removed, -1);
      }
      deliver(core::RemoveAnswered{e.batch, e.pilots, std::int64_t(e.removals.size())});
    });
  }
  if (const auto* e = std::get_if<core::ReleasePilots>(&effect))
    later(milliseconds{100}, [this, e = *e] {
      if (boundary_passed()) release(e);
    });
  if (const auto* e = std::get_if<core::Wake>(&effect)) {
    wake_ = e->at;
    const Duration d = std::max<Duration>(e->at - now_, milliseconds{1});
    if (e->at != core::kNever)
      later(d, [this, at = e->at] {
        if (wake_ == at && !pass_planned_) pass();
      });
  }
}

void World::commit(const std::shared_ptr<const core::LedgerBatch>& batch) {
  later(milliseconds{5}, [this, batch] {
    if (!boundary_passed()) return;
    core::CommitDone done{batch->pass, std::nullopt};
    if (refuse_commits) {
      done.error = Error{Kind::transient, "store.full", "no space left on device", "ledger.db", ""};
      waiting_for_commit_.clear();
      return deliver(done);
    }
    for (const auto& p : batch->pilots) stored_pilots_[p.no] = p;
    for (const auto& sub : batch->submissions) stored_submissions_[sub.id] = sub;
    stored_.seq = batch->seq;
    stored_.next_pilot = batch->next_pilot;
    stored_.fresh = false;
    if (batch->holds_changed) stored_.holds = batch->holds;
    for (const auto& c : batch->cursors) {
      std::erase_if(stored_.cursors, [&](const auto& old) { return old.first == c.first; });
      stored_.cursors.push_back(c);
    }
    for (const auto& q : batch->queues) {
      std::erase_if(stored_.queues, [&](const auto& r) { return r.name == q.name; });
      stored_.queues.push_back(q);
    }
    if (!boundary_passed()) return;  // killed after the commit, before anything that waited for it
    deliver(done);
    for (const auto& e : std::exchange(waiting_for_commit_, {})) run(e);
  });
}

void World::submit(const core::SubmitPilots& e) {
  later(milliseconds{50}, [this, e] {
    if (!boundary_passed()) return;  // killed before the batch system heard of it
    std::vector<std::string> ids;
    const auto cluster = next_cluster_++;
    ++copies_[e.submission];
    for (int i = 0; i < e.n; ++i) {
      SimPilot p;
      p.seen.batch_id = std::to_string(cluster) + "." + std::to_string(i);
      p.seen.submission = e.submission;
      p.seen.queue = e.queue->name;
      p.seen.index = static_cast<std::uint32_t>(i);
      p.seen.run = run_;
      p.seen.state = hold_new ? PilotState::held : PilotState::pending;
      if (hold_new) p.seen.hold = hold_kind;
      p.seen.submitted = wall();
      p.submitted_at = now_;
      p.avoid = e.avoid_nodes;
      p.bad_release = bad_release;
      ids.push_back(p.seen.batch_id);
      events_.push_back(p.seen);
      fifo_[p.seen.queue].push_back(p.seen.batch_id);
      const auto jitter = std::uniform_int_distribution<std::int64_t>(0, scenario_.site.start_latency.count())(chance_);
      later(
          scenario_.site.start_latency + Duration{jitter}, [this, queue = p.seen.queue] { start_pilot(queue); }, false);
      pilots_[p.seen.batch_id] = std::move(p);
      ++submitted_;
    }
    if (!boundary_passed()) return;  // killed with the pilots in the batch system and no answer
    Result<std::vector<std::string>> answer = ids;
    if (lose_answer && lose_answer(e)) answer = fail(Kind::uncertain, "sim.no_answer", "the client timed out");
    later(milliseconds{50}, [this, id = e.submission, answer] {
      if (boundary_passed()) deliver(core::SubmitAnswered{id, answer});
    });
  });
}

// While new pilots are held, those that are released are held again.
void World::release(const core::ReleasePilots& e) {
  for (const auto& r : e.pilots) {
    const auto at = pilots_.find(r.batch_id);
    if (at == pilots_.end() || at->second.seen.state != PilotState::held) continue;
    ++released;
    if (hold_new) continue;
    PilotSeen& seen = at->second.seen;
    seen.state = PilotState::pending;
    seen.hold = HoldKind::none;
    events_.push_back(seen);
    fifo_[seen.queue].push_back(seen.batch_id);
    later(scenario_.site.start_latency, [this, queue = seen.queue] { start_pilot(queue); }, false);
  }
}

// A slot may be free: the first of the queue's pending pilots that may run there takes it.
void World::start_pilot(const std::string& queue) {
  auto& fifo = fifo_[queue];
  std::erase_if(fifo, [&](const std::string& id) {
    const auto at = pilots_.find(id);
    return at == pilots_.end() || at->second.seen.state != PilotState::pending;
  });
  const auto free = free_slots(queue);
  for (auto at = fifo.begin(); at != fifo.end() && !free.empty(); ++at) {
    SimPilot& p = pilots_[*at];
    std::vector<const NodeModel*> allowed;
    std::copy_if(free.begin(), free.end(), std::back_inserter(allowed), [&](const NodeModel* n) {
      return std::find(p.avoid.begin(), p.avoid.end(), n->name) == p.avoid.end();
    });
    if (allowed.empty()) continue;
    p.seen.node = allowed[std::uniform_int_distribution<std::size_t>(0, allowed.size() - 1)(chance_)]->name;
    if (!p.seen.node.empty()) ++busy_nodes_[p.seen.node];
    ++busy_[queue];
    const std::string id = std::move(*at);
    fifo.erase(at);
    return run_pilot(id);
  }
}

// A node for each free slot; where the site has no nodes, one without a name.
std::vector<const NodeModel*> World::free_slots(const std::string& queue) {
  static const NodeModel nameless;
  std::vector<const NodeModel*> free;
  if (scenario_.site.nodes.empty() && busy_[queue] < scenario_.site.slots) free.push_back(&nameless);
  for (const auto& n : scenario_.site.nodes)
    free.insert(free.end(), static_cast<std::size_t>(n.slots - busy_nodes_[n.name]), &n);
  return free;
}

void World::run_pilot(const std::string& id) {
  SimPilot& p = pilots_[id];
  p.counted = true;
  p.seen.state = PilotState::running;
  p.seen.started = wall();
  events_.push_back(p.seen);
  if (std::bernoulli_distribution(scenario_.site.fail_rate)(chance_)) {
    later(seconds{2}, [this, id] { end_pilot(id, PilotState::failed, 1); }, false);
    return;
  }
  if (bad_wrapper) {
    later(seconds{1}, [this, id] { end_pilot(id, PilotState::done, 64); }, false);
    return;
  }
  for (const auto& n : scenario_.site.nodes)
    if (n.name == p.seen.node && now_ - began_ >= n.from && std::bernoulli_distribution(n.ruins)(chance_)) {
      p.failing = true;
      later(n.after, [this, id, rc = n.exit_code] { end_pilot(id, PilotState::failed, rc); }, false);
    }
  if (p.bad_release) {
    p.failing = true;
    later(seconds{2}, [this, id] { end_pilot(id, PilotState::failed, 1); }, false);
  }
  next_job(id);
}

void World::next_job(const std::string& id) {
  const auto at = pilots_.find(id);
  if (at == pilots_.end()) return;
  SimPilot& p = at->second;
  std::string wms_queue;
  for (const auto& q : active_.config->queues)
    if (q->name == p.seen.queue) wms_queue = q->wms_queue;
  if (wms_down) {
    later(seconds{120}, [this, id] { end_pilot(id, PilotState::done, 79); }, false);
    return;
  }
  if (waiting_[wms_queue] <= 0 || (one_job_each && p.payloads > 0)) {
    empty_ += p.payloads == 0 ? 1 : 0;
    if (p.payloads == 0) report(p, "running", false, std::nullopt);
    const Duration wait = p.payloads == 0 ? seconds{10} : seconds{0};
    later(wait, [this, id] { end_pilot(id, PilotState::done, 0); }, false);
    return;
  }
  --waiting_[wms_queue];
  ++running_jobs_;
  p.job = next_job_++;
  ++p.payloads;
  report(p, "running", true, p.payloads);
  if (p.failing) return;  // until the node ruins it
  if (std::bernoulli_distribution(bad_jobs)(chance_)) {
    later(
        seconds{5},
        [this, id] {
          const auto bad = pilots_.find(id);
          if (bad == pilots_.end()) return;
          bad->second.job = 0;
          --running_jobs_;
          ++failed_jobs_;
          next_job(id);
        },
        false);
    return;
  }
  const double spread = scenario_.site.job_spread;
  const double length = spread > 0 ? std::uniform_real_distribution<double>(1 - spread, 1 + spread)(chance_) : 1;
  const Duration time{static_cast<std::int64_t>(static_cast<double>(scenario_.site.job_time.count()) * length)};
  later(time, [this, id] { end_pilot(id, PilotState::done, 0); }, false);
}

void World::end_pilot(const std::string& id, PilotState state, int rc) {
  const auto at = pilots_.find(id);
  if (at == pilots_.end()) return;
  SimPilot p = at->second;
  if (state != PilotState::removed) report(p, "exiting", p.payloads != 0, p.payloads, rc);
  if (p.job != 0) {
    --running_jobs_;
    if (p.failing) {
      ++lost_jobs_;
    } else {
      ++(state == PilotState::done ? done_jobs_ : waiting_.begin()->second);
    }
  }
  p.seen.state = state;
  p.seen.exit_code = rc;
  p.seen.ended = wall();
  history_.push_back(p.seen);
  events_.push_back(p.seen);
  pilots_.erase(at);
  if (!p.counted) return;
  --busy_[p.seen.queue];
  if (!p.seen.node.empty()) --busy_nodes_[p.seen.node];
  later(milliseconds{500}, [this, queue = p.seen.queue] { start_pilot(queue); }, false);
}

void World::report(const SimPilot& p, const std::string& what, bool payload, std::optional<int> payloads, int rc) {
  if (!scenario_.site.reports) return;
  core::PilotReported r;
  r.submission = p.seen.submission;
  r.index = p.seen.index;
  r.batch_id = p.seen.batch_id;
  r.node = p.seen.node;
  r.state = what;
  r.payload_started = payload;
  r.payloads = payloads;
  if (what == "exiting") r.rc = rc;
  later(milliseconds{20}, [this, r] { deliver(r); }, false);
}

View<BatchData> World::list(const std::string& cursor) {
  View<BatchData> view;
  view.complete = true;
  for (const auto& [id, p] : pilots_) view.data.live.push_back(p.seen);
  const auto from = cursor.empty() ? std::size_t{0} : static_cast<std::size_t>(std::stoull(cursor));
  for (std::size_t i = from > 20 ? from - 20 : 0; i < history_.size(); ++i) view.data.ended.push_back(history_[i]);
  view.cursor = std::to_string(history_.size());
  view.evidence = "simulated list";
  return view;
}

// Answers within 20 ms of an event, and when nothing happens at the end of its patience.
void World::follow(const core::FollowBatch& call, Duration patience) {
  const auto answer = [this, &call](Result<View<FeedData>> view) {
    deliver(core::EventsSeen{call.batch, std::move(view)});
  };
  if (!scenario_.events) return answer(fail(Kind::config, "batch.no_feed", "no events here"));
  later(patience == seconds{10} ? milliseconds{20} : milliseconds{100}, [this, call, patience] {
    if (!boundary_passed()) return;
    const auto from = call.cursor.empty() ? events_.size() : static_cast<std::size_t>(std::stoull(call.cursor));
    const bool news = !mute && events_.size() > from;
    if (deaf && patience.count() <= 0)
      return deliver(core::EventsSeen{call.batch, fail(Kind::transient, "sim.deaf", "the event log can't be read")});
    if (!news && !call.cursor.empty() && patience.count() > 0) return follow(call, patience - milliseconds{100});
    View<FeedData> view;
    view.evidence = "simulated event log";
    view.data.gap = from < events_lost_;
    if (!mute)
      view.data.seen.assign(events_.begin() + static_cast<std::ptrdiff_t>(std::max(from, events_lost_)), events_.end());
    view.cursor = std::to_string(events_.size());
    deliver(core::EventsSeen{call.batch, std::move(view)});
  });
}

void World::lose_events() { events_lost_ = events_.size(); }

View<DemandData> World::tables() {
  if (scenario_.wms.refresh.count() == 0 || now_ - table_at_ >= scenario_.wms.refresh) {
    table_ = waiting_;
    table_at_ = now_;
  }
  View<DemandData> view;
  view.complete = true;
  view.data.lag = scenario_.wms.refresh;
  for (const auto& [queue, n] : table_) {
    Demand d;
    d.wms_queue = queue;
    d.ready = n;
    view.data.cells.push_back(d);
    view.data.sites.emplace_back(queue, "online");
  }
  return view;
}

void World::add_jobs(const std::string& wms_queue, int n) { waiting_[wms_queue] += n; }

void World::run_for(Duration d) { run_until(now_ + d); }

void World::run_until(Mono t) {
  while (!due_.empty() && due_.top().at <= t) {
    const Due due = due_.top();
    due_.pop();
    now_ = std::max(now_, due.at);
    due.act();
  }
  now_ = std::max(now_, t);
}

std::int64_t World::waiting(const std::string& wms_queue) const { return waiting_.at(wms_queue); }

std::int64_t World::live(const std::string& queue) const {
  return std::count_if(pilots_.begin(), pilots_.end(),
                       [&](const auto& p) { return queue.empty() || p.second.seen.queue == queue; });
}

std::int64_t World::slots_used() const {
  std::int64_t n = 0;
  for (const auto& [queue, busy] : busy_) n += busy;
  return n;
}

std::int64_t World::pending(const std::string& queue) const {
  return std::count_if(pilots_.begin(), pilots_.end(), [&](const auto& p) {
    return (queue.empty() || p.second.seen.queue == queue) && p.second.seen.state == PilotState::pending;
  });
}

}  // namespace apf::sim
