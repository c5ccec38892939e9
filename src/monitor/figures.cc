#include "monitor/figures.h"

#include <algorithm>

namespace apf::monitor {
namespace {

template <class T>
const T* by_number(const std::vector<std::shared_ptr<const T>>& all, std::uint32_t no) {
  const auto it =
      std::lower_bound(all.begin(), all.end(), no, [](const auto& one, std::uint32_t n) { return one->no < n; });
  return it != all.end() && (*it)->no == no ? it->get() : nullptr;
}

template <class T, class Match>
const T* first(const std::vector<std::shared_ptr<const T>>& all, Match match) {
  const auto it = std::find_if(all.begin(), all.end(), [&](const auto& one) { return match(*one); });
  return it != all.end() ? it->get() : nullptr;
}

std::int64_t step_of(Wall t) { return t.ms / Activity::kStepMs; }

}  // namespace

std::int64_t Live::of(PilotState state) const {
  switch (state) {
    case PilotState::created: return created;
    case PilotState::running: return running;
    case PilotState::exiting: return exiting;
    case PilotState::stale: return stale;
    case PilotState::done:
    case PilotState::fault: break;
  }
  return 0;
}

Flow& Flow::operator+=(const Flow& other) {
  created += other.created;
  started += other.started;
  done += other.done;
  fault += other.fault;
  empty += other.empty;
  unstarted += other.unstarted;
  held += other.held;
  seconds_ran += other.seconds_ran;
  return *this;
}

Flow* Activity::at(Wall when, Wall now) {
  const std::int64_t step = step_of(when);
  const std::int64_t oldest = step_of(now) - kKept + 1;
  if (step < oldest) return nullptr;
  if (steps_.empty() || steps_.back().first < step) {
    steps_.erase(steps_.begin(),
                 std::find_if(steps_.begin(), steps_.end(), [&](const auto& s) { return s.first >= oldest; }));
    return &steps_.emplace_back(step, Flow{}).second;
  }
  const auto it =
      std::lower_bound(steps_.begin(), steps_.end(), step, [](const auto& s, std::int64_t n) { return s.first < n; });
  return it->first == step ? &it->second : &steps_.insert(it, {step, Flow{}})->second;
}

Flow Activity::sum(Wall now, std::int64_t ms) const {
  Flow total;
  for (const auto& [step, flow] : steps_)
    if (step * kStepMs > now.ms - ms && step <= step_of(now)) total += flow;
  return total;
}

std::vector<Flow> Activity::last(Wall now, std::size_t steps) const {
  std::vector<Flow> out(steps);
  const std::int64_t first_step = step_of(now) - static_cast<std::int64_t>(steps) + 1;
  for (const auto& [step, flow] : steps_)
    if (step >= first_step && step <= step_of(now)) out[static_cast<std::size_t>(step - first_step)] = flow;
  return out;
}

const Flow* Activity::find(std::int64_t step) const {
  const auto it = std::find_if(steps_.rbegin(), steps_.rend(), [&](const auto& s) { return s.first == step; });
  return it != steps_.rend() ? &it->second : nullptr;
}

const FactoryFigures* Snapshot::factory(FactoryNo no) const { return by_number(factories, no); }
const LabelFigures* Snapshot::label(LabelNo no) const { return by_number(labels, no); }
const NodeFigures* Snapshot::node(NodeNo no) const { return by_number(nodes, no); }

std::vector<LabelNo> Snapshot::labels_with(FactoryNo factory, PilotState state) const {
  std::vector<LabelNo> found{0};
  for (const auto& l : labels)
    if (l->factory == factory && (!live(state) || l->live.of(state) > 0)) found.push_back(l->no);
  return found;
}

const FactoryFigures* Snapshot::factory(std::string_view name) const {
  return first(factories, [&](const FactoryFigures& f) { return f.name == name; });
}
const LabelFigures* Snapshot::label(std::string_view factory, std::string_view name) const {
  return first(labels, [&](const LabelFigures& l) { return l.name == name && l.factory_name == factory; });
}
const NodeFigures* Snapshot::node(std::string_view name) const {
  return first(nodes, [&](const NodeFigures& n) { return n.name == name; });
}

SnapshotPtr Board::get() const {
  const std::lock_guard guard(mutex_);
  return snapshot_;
}

void Board::put(SnapshotPtr snapshot) {
  const std::lock_guard guard(mutex_);
  snapshot_ = std::move(snapshot);
}

}  // namespace apf::monitor
