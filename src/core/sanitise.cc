// Pilots that go wrong: held ones get another try or are taken away, those that wait or run too long are removed where
// the queue asks for it. Each act has a rule, a rate and a condition, and stands in the queue's next decision.
#include <fmt/format.h>

#include <algorithm>

#include "core/holds.h"
#include "core/sources.h"
#include "core/state.h"

namespace apf::core {
namespace {

constexpr Duration kEvery = seconds{30};  // a queue is looked at no more often

struct Plan {
  std::vector<std::uint32_t> release, hopeless, too_long_running, too_long_pending;
};

bool longer(Mono since, Duration limit, Mono now) { return limit.count() > 0 && since.ns != 0 && now - since >= limit; }

// The wait before a held pilot's next try: doubles with each.
Duration patience(const QueueSpec& spec, const LivePilot& p) {
  return spec.held_release * (std::int64_t{1} << std::min<int>(p.releases, 10));
}

void judge_held(const QueueSpec& spec, const LivePilot& p, std::uint32_t slot, Mono now, Plan& plan) {
  if (p.hold == HoldKind::people) return;
  if (longer(p.first_held_at, spec.held_remove, now)) return plan.hopeless.push_back(slot);
  if (p.hold == HoldKind::passing && p.releases < spec.held_tries && longer(p.held_at, patience(spec, p), now))
    plan.release.push_back(slot);
}

Plan look(const FactoryState& s, const Queue& q, std::uint32_t source, Mono now) {
  Plan plan;
  const QueueSpec& spec = *q.spec;
  for (const auto slot : q.members) {
    const LivePilot& p = s.pilots[slot];
    if (p.source != source || p.missing || being_removed(p, now)) continue;
    if (p.state == PilotState::held)
      judge_held(spec, p, slot, now, plan);
    else if (p.state == PilotState::running && longer(p.started_at, spec.running_remove, now))
      plan.too_long_running.push_back(slot);
    else if (p.state == PilotState::pending && longer(p.submitted_at, spec.pending_remove, now))
      plan.too_long_pending.push_back(slot);
  }
  return plan;
}

void release(FactoryState& s, Queue& q, const std::vector<std::uint32_t>& slots, Mono now, std::vector<Effect>& out) {
  if (slots.empty()) return;
  const LivePilot& first = s.pilots[slots.front()];
  const auto why = fmt::format("held_release: try again ({})", s.texts.get(first.reason));
  ReleasePilots effect{s.batches[first.source].name, {}, why};
  for (const auto slot : slots) {
    LivePilot& p = s.pilots[slot];
    ++p.releases;
    p.held_at = now;
    effect.pilots.push_back({p.batch_id, s.submissions[p.submission].row.id});
  }
  note_act(q, fmt::format("released {} held pilots: {}", slots.size(), why));
  out.emplace_back(std::move(effect));
}

void sanitise_queue(FactoryState& s, Queue& q, std::uint32_t source, Mono now, std::vector<Effect>& out) {
  Plan plan = look(s, q, source, now);
  // no more than this at a time: a rule that turns out wrong must not cost a whole site
  const auto most = std::max<std::size_t>(10, q.members.size() / 10);
  for (auto* list : {&plan.release, &plan.hopeless, &plan.too_long_running, &plan.too_long_pending})
    if (list->size() > most) list->resize(most);
  release(s, q, plan.release, now, out);
  const QueueSpec& spec = *q.spec;
  remove(s, plan.hopeless, {PilotState::held}, "held_remove: held for more than " + human(spec.held_remove), now, out);
  remove(s, plan.too_long_running, {PilotState::running},
         "running_remove: runs for more than " + human(spec.running_remove), now, out);
  remove(s, plan.too_long_pending, {PilotState::pending},
         "pending_remove: waits for more than " + human(spec.pending_remove), now, out);
}

}  // namespace

void note_hold(LivePilot& p, HoldKind kind, Mono now) {
  p.hold = kind;
  if (p.held_at.ns == 0) p.held_at = now;
  if (p.first_held_at.ns == 0) p.first_held_at = now;
}

void sanitise(FactoryState& s, Mono now, Wall shown, std::vector<Effect>& out) {
  if (s.stopping) return;
  for (auto& q : s.queues) {
    const bool asked = q.spec->running_remove.count() > 0 || q.spec->pending_remove.count() > 0;
    if ((q.counts.of(PilotState::held) == 0 && !asked) || now < q.sanitise_at || q.batch < 0) continue;
    const auto source = static_cast<std::uint32_t>(q.batch);
    if (!sure(s.batches[source], now) || q.spec->mode == Mode::shadow || hold_on(s, q, "disable", shown) != nullptr)
      continue;
    q.sanitise_at = now + kEvery;
    sanitise_queue(s, q, source, now, out);
  }
}

}  // namespace apf::core
