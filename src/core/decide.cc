// One decision a queue: hold, deal, chain, caps, and what follows from the number.
#include <fmt/format.h>

#include <algorithm>

#include "core/ends.h"
#include "core/holds.h"
#include "core/sources.h"
#include "core/state.h"

namespace apf::core {
namespace {

Duration cycle_of(const FactoryState& s, const Queue& q) {
  return q.wms < 0 ? Duration{seconds{60}} : s.wmses[static_cast<std::size_t>(q.wms)].spec.interval;
}

Duration cycle_length(const FactoryState& s, const Queue& q) {
  return std::max<Duration>(cycle_of(s, q), milliseconds{100});
}

void roll_cycle(const FactoryState& s, Queue& q, Mono now) {
  const Duration cycle = cycle_length(s, q);
  if (now - q.cycle_start < cycle) return;
  q.cycle_start = q.cycle_start + cycle * ((now - q.cycle_start) / cycle);
  q.used = 0;
}

SchedInput input_of(FactoryState& s, Queue& q, Mono now, std::optional<std::int64_t> dealt) {
  SchedInput in;
  if (q.wms >= 0) {
    const WmsState& w = s.wmses[static_cast<std::size_t>(q.wms)];
    if (w.view_at.ns != 0) {
      in.wms.emplace();
      for (const auto* d : cells_of(s, q)) {
        in.wms->notready += d->notready;
        in.wms->ready += d->ready;
        in.wms->running += d->running;
        in.wms->done += d->done;
        in.wms->failed += d->failed;
      }
    }
    const auto site = w.sites.find(q.spec->wms_queue);
    if (site != w.sites.end()) in.site = site->second;
  }
  in.pending = q.counts.pending() + q.open_n;
  in.running = q.counts.running();
  in.claimed = claimed(s, q);
  in.dealt = dealt;
  in.factory_total = s.total_pending + s.total_running + s.total_open;
  in.used = q.used;
  in.cycle = q.cycle_start.ns / cycle_length(s, q).count();
  in.ends = answers(q, now);
  in.life_submitted = q.life.life_submitted;
  return in;
}

// The part of a chain's number that lives on demand may not exceed the demand of this view (R2).
std::int64_t demand_bound(FactoryState& s, Queue& q, std::optional<std::int64_t> dealt, std::int64_t n,
                          std::int64_t outside) {
  if (n <= 0 || q.wms < 0) return n;
  const std::int64_t free = std::max<std::int64_t>(0, dealt ? *dealt : free_demand(s, q));
  return std::min(n - outside, free) + outside;
}

// The step that set the number: the last one that changed it; when none did, the first, which asked for nothing.
std::string binding(const std::vector<StepTaken>& steps) {
  for (auto at = steps.rbegin(); at != steps.rend(); ++at)
    if (at->in != at->out) return at->plugin;
  return steps.empty() ? "no steps" : steps.front().plugin;
}

bool canary_due(const FactoryState& s, const Queue& q, const Held& h, Mono now) {
  const BatchState& b = s.batches[static_cast<std::size_t>(q.batch)];
  if (b.trust != Trust::refused || b.canary_used || now - b.doubtful_since < seconds{1800}) return false;
  return h.code.empty() || h.code == "batch.stale";
}

// The views' ages turn into holds by themselves, and holds end by themselves: look again then.
Mono next_look(const FactoryState& s, const Queue& q, const Decision& d, const Cap& cap, Mono now) {
  Mono at = cap.retry;
  const auto later = [&](Mono t) {
    if (t > now) at = std::min(at, t);
  };
  if (q.used > 0 || d.n < 0) later(q.cycle_start + cycle_of(s, q));
  later(q.backoff_until);
  later(next_tend(s, q, now));
  if (q.wms >= 0) {
    const WmsState& w = s.wmses[static_cast<std::size_t>(q.wms)];
    if (w.view_at.ns != 0) later(w.view_at + w.spec.max_age + milliseconds{1});
  }
  const BatchState& b = s.batches[static_cast<std::size_t>(q.batch)];
  if (b.view_at.ns != 0) later(b.view_at + b.spec.max_age + milliseconds{1});
  if (b.trust == Trust::refused && !b.canary_used) later(b.doubtful_since + seconds{1800});
  return at;
}

struct Turn {
  FactoryState& s;
  Mono now;
  Wall shown;
  std::vector<Effect>& out;
  std::map<std::uint32_t, std::int64_t> parts;
};

// What is submitted on ready that jumped and is not confirmed counts for all queues of the WMS queue (R6).
void note_walked(FactoryState& s, const Queue& q, std::int32_t n) {
  if (q.wms < 0) return;
  auto& jumped = s.wmses[static_cast<std::size_t>(q.wms)].jumped;
  if (const auto at = jumped.find(q.spec->wms_queue); at != jumped.end()) at->second += n;
}

// An operator who tries a new wrapper sees in the decisions which submissions do.
void tell_next_wrapper(const FactoryState& s, Queue& q, std::int32_t n) {
  if (q.spec->next_wrapper <= 0 || s.active.config->factory.next_wrapper.empty() || !q.spec->executable.empty()) return;
  std::int32_t taking = 0;
  for (std::int32_t i = 0; i < n; ++i)
    if (takes_next(q.life.life_submitted + i, q.spec->next_wrapper)) ++taking;
  note_act(q, fmt::format("{} of {} new pilots take the next wrapper (next_wrapper = {} %)", taking, n,
                          q.spec->next_wrapper));
}

void submit(Turn& t, std::uint32_t at, Decision& d, bool canary, const ExcludedNode* probed) {
  Queue& q = t.s.queues[at];
  const auto n = static_cast<std::int32_t>(d.n);  // caps() keeps it small
  const auto sub = plan_submission(t.s, at, n, t.now, t.shown);
  const LiveSubmission& planned = t.s.submissions[sub];
  if (canary) {
    BatchState& b = t.s.batches[static_cast<std::size_t>(q.batch)];
    b.canary_used = true;
    b.canary = static_cast<int>(sub);
  }
  const Host host = probed != nullptr ? probed->host : 0;
  t.out.emplace_back(SubmitPilots{planned.row.id, q.spec, n, planned.row.planned, avoided(q, host),
                                  q.life.life_submitted, planned.first_no});
  tell_next_wrapper(t.s, q, n);
  note_walked(t.s, q, n);
  note_submitted(q, planned.row.id, host, t.now);
}

void act(Turn& t, std::uint32_t at, Decision& d, const Cap& cap, bool canary) {
  Queue& q = t.s.queues[at];
  if (d.n > cap.most) {
    d.n = cap.most;
    d.bound_by = "cap " + cap.name;
  }
  if (canary && d.chain > 0) {
    d.n = 1;
    d.bound_by = "canary";
    d.held.clear();
    d.held_code.clear();
  }
  if (d.n >= 0) q.negative_cycles = 0;
  if (d.n > 0 && q.spec->mode == Mode::shadow) {
    d.held = fmt::format("shadow mode: {} pilots would have been submitted", d.n);
    d.held_code = "queue.shadow";
    d.n = 0;
  }
  const ExcludedNode* probed = d.n > 0 && !canary ? due_for_probe(q, t.now) : nullptr;
  if (probed != nullptr) {
    d.n = 1;
    d.bound_by = "probe of node " + probed->name;
  }
  if (d.n > 0) submit(t, at, d, canary, probed);
  if (d.n < 0) {
    d.n = q.spec->mode == Mode::shadow ? 0 : -retire(t.s, at, -d.n, t.now, t.out, d.bound_by);
  }
}

void decide(Turn& t, std::uint32_t at) {
  Queue& q = t.s.queues[at];
  tend(t.s, at, t.now, t.shown);
  const Held h = held(t.s, q, t.now, t.shown);
  const auto part = t.parts.find(at);
  const auto dealt = part == t.parts.end() ? std::nullopt : std::optional(part->second);
  auto d = std::make_shared<Decision>();
  d->queue = q.spec->name;
  d->at = t.shown;
  d->pass = t.s.passes;
  d->seq = t.s.seq;
  d->config_version = t.s.active.config->version;
  d->input = input_of(t.s, q, t.now, dealt);
  const bool canary = canary_due(t.s, q, h, t.now);
  Cap cap;
  const bool blind = h.code == "wms.never" || h.code == "batch.never" || h.code == "queue.gone";
  if (!blind) {
    d->steps = fold(q.chain, d->input, &d->outside);
    d->chain = d->steps.empty() ? 0 : d->steps.back().out;
    d->bound_by = binding(d->steps);
  }
  if (h.code.empty() || canary) {
    d->n = demand_bound(t.s, q, dealt, d->chain, d->outside);
    if (d->n != d->chain) d->bound_by = "demand";
    cap = caps(t.s, at, t.now);
    act(t, at, *d, cap, canary);
  } else {
    d->held = h.text;
    d->held_code = h.code;
  }
  d->acted = std::exchange(q.acted, {});
  q.next_decide = next_look(t.s, q, *d, cap, t.now);
  tell_pending(t.s, at, t.now, t.out);
  q.dirty = false;
  q.last = d;
  t.s.changed.insert(at);
  if (t.s.watched())
    t.s.notes.queues.push_back({d->queue, message(*d), d->n, t.shown, q.spec, d->input.pending, d->input.running});
  t.out.emplace_back(Journal{*d});
}

// What is due, in an order that rotates from pass to pass: caps that span queues depend on it (R10).
std::vector<std::uint32_t> due(FactoryState& s, Mono now) {
  for (auto& q : s.queues)
    if (now >= q.next_decide) q.dirty = true;
  for (const auto& group : s.groups)
    if (group.size() > 1 && std::any_of(group.begin(), group.end(), [&](auto i) { return s.queues[i].dirty; }))
      for (const auto i : group) s.queues[i].dirty = true;
  std::vector<std::uint32_t> who;
  const auto n = s.queues.size();
  for (std::size_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::uint32_t>((i + s.passes) % n);
    Queue& q = s.queues[at];
    if (!q.dirty) continue;
    if (q.gone && q.members.empty() && q.open < 0) {
      q.dirty = false;
      q.next_decide = kNever;
      continue;
    }
    who.push_back(at);
  }
  return who;
}

}  // namespace

void decide_all(FactoryState& s, Mono now, Wall shown, std::vector<Effect>& out) {
  const auto who = due(s, now);
  if (who.empty()) return;
  std::vector<std::uint32_t> takers;
  for (const auto at : who) {
    roll_cycle(s, s.queues[at], now);
    if (s.queues[at].group >= 0 && s.groups[static_cast<std::size_t>(s.queues[at].group)].size() > 1 &&
        held(s, s.queues[at], now, shown).code.empty())
      takers.push_back(at);
  }
  Turn turn{s, now, shown, out, {}};
  turn.parts = deal(s, takers, now, [&](std::uint32_t at, std::int64_t part) {
    std::int64_t outside = 0;
    const auto steps = fold(s.queues[at].chain, input_of(s, s.queues[at], now, part), &outside);
    return (steps.empty() ? 0 : steps.back().out) - outside;
  });
  for (const auto at : who) decide(turn, at);
}

}  // namespace apf::core
