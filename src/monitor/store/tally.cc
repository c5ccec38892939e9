#include "monitor/store/tally.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "monitor/store/keys.h"

namespace apf::monitor {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::size_t kLastPilots = 8;  // of a node
constexpr std::size_t kBucketsAtOnce = 65'536;

void add(Live& live, const Brief& b, int sign) {
  if (b.held && b.state == PilotState::created) live.held += sign;
  switch (b.state) {
    case PilotState::created: live.created += sign; break;
    case PilotState::running: live.running += sign; break;
    case PilotState::exiting: live.exiting += sign; break;
    case PilotState::stale: live.stale += sign; break;
    case PilotState::done:
    case PilotState::fault: break;
  }
}

template <class Figures>
std::shared_ptr<const Figures> derived(Known<Figures>& known, Wall now, std::uint64_t version) {
  known.figures.changed = version;
  known.figures.hour = known.activity.sum(now, kHourMs);
  known.figures.day = known.activity.sum(now, 24 * kHourMs);
  if constexpr (requires { known.figures.recent; }) known.figures.recent = known.activity.last(now, kRecentSteps);
  known.shown = std::make_shared<const Figures>(known.figures);
  return known.shown;
}

template <class Map, class Set, class Figures>
void show(Map& map, const Set& changed, bool all, Wall now, std::uint64_t version,
          std::vector<std::shared_ptr<const Figures>>& to) {
  to.reserve(map.size());
  for (auto& [no, known] : map)
    to.push_back(all || !known.shown || changed.contains(no) ? derived(known, now, version) : known.shown);
}

void latest(Wall& to, Wall t) { to = std::max(to, t); }

template <class T>
void to_front(std::vector<T>& list, T one) {
  list.erase(std::remove(list.begin(), list.end(), one), list.end());
  list.insert(list.begin(), one);
  if (list.size() > kLastPilots) list.pop_back();
}

}  // namespace

Brief brief_of(const Pilot& p, const AgeingRules& rules) {
  return {.key = p.key,
          .label = p.label,
          .node = p.node,
          .state = p.state,
          .empty = p.state == PilotState::done && p.work() == Work::empty,
          .there = true,
          .held = p.held.value_or(p.state == PilotState::fault && p.running.ms == 0 && p.exiting.ms == 0),
          .first = p.first(),
          .running = p.running,
          .exiting = p.exiting,
          .ended = p.ended,
          .seen = p.seen,
          .due = due(p, rules)};
}

template <class KnownOne>
void Tally::flow(KnownOne& known, const Brief& b, int sign, Wall now) {
  const auto at = [&](Wall t) {
    Flow* f = t.ms != 0 ? known.activity.at(t, now) : nullptr;
    if constexpr (std::is_same_v<KnownOne, KnownLabel>)
      if (f != nullptr) moved_.emplace(known.figures.no, t.ms / Activity::kStepMs);
    return f;
  };
  if (Flow* f = at(b.first)) f->created += sign;
  if (Flow* f = at(b.running)) f->started += sign;
  if (live(b.state)) return;
  Flow* f = at(b.ended);
  if (f == nullptr) return;
  if (b.state == PilotState::done) f->done += sign;
  if (b.state == PilotState::fault) f->fault += sign;
  if (b.empty) f->empty += sign;
  if (b.state == PilotState::fault && b.running.ms == 0 && b.exiting.ms == 0) f->unstarted += sign;
  if (b.held && b.state == PilotState::fault && b.running.ms == 0) f->held += sign;
  const Wall stopped = b.exiting.ms != 0 ? b.exiting : b.ended;
  if (b.running.ms != 0 && stopped > b.running) f->seconds_ran += sign * ((stopped.ms - b.running.ms) / 1000);
}

void Tally::count(const Brief& b, int sign, Wall now) {
  if (!b.there) return;
  if (auto* factory = names_.find_factory(factory_of(b.key))) {
    add(factory->figures.live, b, sign);
    flow(*factory, b, sign, now);
    names_.changed.factories.insert(factory->figures.no);
  }
  if (auto* label = names_.find_label(b.label)) {
    add(label->figures.live, b, sign);
    flow(*label, b, sign, now);
    names_.changed.labels.insert(b.label);
  }
  if (auto* node = names_.find_node(b.node)) {
    if (b.state == PilotState::running) node->figures.running += sign;
    flow(*node, b, sign, now);
    names_.changed.nodes.insert(b.node);
  }
}

void Tally::follow_node(const Brief& before, const Brief& after) {
  const bool fault = after.state == PilotState::fault;
  const bool over = !live(after.state) && (!before.there || before.state != after.state);
  if (auto* label = names_.find_label(after.label)) {
    LabelFigures& l = label->figures;
    latest(l.seen, after.seen);
    latest(l.last_created, after.first);
    latest(l.last_started, after.running);
    latest(l.last_ended, after.ended);
    if (over) l.fault_run = fault ? l.fault_run + 1 : 0;
  }
  if (auto* factory = names_.find_factory(factory_of(after.key))) latest(factory->figures.seen, after.seen);
  auto* node = names_.find_node(after.node);
  if (node == nullptr) return;
  NodeFigures& n = node->figures;
  latest(n.seen, after.seen);
  if (over) n.fault_run = fault ? n.fault_run + 1 : 0;
  if (before.node == after.node) return;
  to_front(n.pilots, after.key);
  if (after.label != 0) to_front(n.labels, after.label);
}

void Tally::change(const Brief& before, const Brief& after, Wall now) {
  count(before, -1, now);
  count(after, 1, now);
  pilots_ += static_cast<int>(after.there) - static_cast<int>(before.there);
  if (after.there && live(after.state))
    live_[after.key] = static_cast<std::uint32_t>(std::max<std::int64_t>(after.due.ms / 1000, 1));
  else if (before.there)
    live_.erase(before.key);
  if (after.there) follow_node(before, after);
}

void Tally::fault_on(NodeNo no, const std::string& failure, const std::string& reason) {
  if (auto* node = names_.find_node(no)) {
    node->figures.last_failure = failure;
    node->figures.last_reason = reason;
    names_.changed.nodes.insert(no);
  }
}

// A part of the table at a time, so that a million live pilots stop nobody.
std::vector<PilotKey> Tally::due(Wall now, std::size_t most) {
  std::vector<PilotKey> found;
  const std::size_t buckets = live_.bucket_count();
  for (std::size_t i = 0; i < std::min(buckets, kBucketsAtOnce) && found.size() < most; ++i) {
    scan_ = scan_ + 1 < buckets ? scan_ + 1 : 0;
    for (auto it = live_.begin(scan_); it != live_.end(scan_); ++it)
      if (std::int64_t{it->second} * 1000 <= now.ms) found.push_back(it->first);
  }
  return found;
}

std::set<std::pair<LabelNo, std::int64_t>> Tally::take_moved() { return std::exchange(moved_, {}); }

std::shared_ptr<Snapshot> Tally::snapshot(Wall now, std::uint64_t version) {
  auto s = std::make_shared<Snapshot>();
  s->at = now;
  s->version = version;
  s->pilots = pilots_;
  const std::int64_t step = now.ms / Activity::kStepMs;
  const bool all = std::exchange(shown_step_, step) != step;
  show(names_.factories, names_.changed.factories, all, now, version, s->factories);
  show(names_.labels, names_.changed.labels, all, now, version, s->labels);
  show(names_.nodes, names_.changed.nodes, all, now, version, s->nodes);
  names_.changed = {};
  return s;
}

}  // namespace apf::monitor
