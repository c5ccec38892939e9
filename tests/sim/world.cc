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

std::vector<StepText> usual_chain(int max_pending) {
  return {
      {"ready", {}}, {"maxpercycle", {{"maximum", "50"}}}, {"maxpending", {{"maximum", std::to_string(max_pending)}}}};
}

Scenario one_queue() {
  Scenario s;
  s.queues = {{"Q", usual_chain(), "", 1, Retire::none}};
  return s;
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
    spec->trial = q.trial;
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
  std::visit([this](const auto& e) { perform(e); }, effect);
}

// A slot may be free: the first of the queue's pending pilots that may run there takes it.
void World::start_pilot(const std::string& queue) {
  auto& fifo = fifo_[queue];
  const auto free = free_slots(queue);
  for (auto at = fifo.begin(); at != fifo.end() && !free.empty();) {
    const auto waiting = pilots_.find(*at);
    if (waiting == pilots_.end() || waiting->second.seen.state != PilotState::pending) {
      at = fifo.erase(at);
      continue;
    }
    SimPilot& p = waiting->second;
    std::vector<const NodeModel*> allowed;
    std::copy_if(free.begin(), free.end(), std::back_inserter(allowed), [&](const NodeModel* n) {
      return std::find(p.avoid.begin(), p.avoid.end(), n->name) == p.avoid.end();
    });
    if (allowed.empty()) {
      ++at;
      continue;
    }
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
  if (hold_started) {
    later(seconds{3}, [this, id] { hold_pilot(id); }, false);
    return;
  }
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

void World::hold_pilot(const std::string& id) {
  const auto at = pilots_.find(id);
  if (at == pilots_.end()) return;
  SimPilot& p = at->second;
  p.seen.state = PilotState::held;
  p.seen.hold = hold_kind;
  events_.push_back(p.seen);
  free_slot(p);
  p.counted = false;
  p.seen.node.clear();
}

void World::free_slot(const SimPilot& p) {
  --busy_[p.seen.queue];
  if (!p.seen.node.empty()) --busy_nodes_[p.seen.node];
  later(milliseconds{500}, [this, queue = p.seen.queue] { start_pilot(queue); }, false);
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
  if (p.counted) free_slot(p);
}

void World::vanish(const std::string& submission) {
  std::erase_if(pilots_, [&](const auto& entry) {
    const SimPilot& p = entry.second;
    if (p.seen.submission != submission) return false;
    if (p.job != 0) --running_jobs_;
    if (p.counted) free_slot(p);
    return true;
  });
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

std::int64_t World::held() const {
  return std::count_if(pilots_.begin(), pilots_.end(),
                       [](const auto& p) { return p.second.seen.state == PilotState::held; });
}

std::int64_t World::pending(const std::string& queue) const {
  return std::count_if(pilots_.begin(), pilots_.end(), [&](const auto& p) {
    return (queue.empty() || p.second.seen.queue == queue) && p.second.seen.state == PilotState::pending;
  });
}

}  // namespace apf::sim
