// Letting pilots go: negative decisions (R7), drain (R14), the operator's own removals. Every removal has a rule,
// stands in the ledger before the call, and carries a condition so that a pilot that just started survives.
#include <fmt/format.h>

#include <algorithm>

#include "core/holds.h"
#include "core/sources.h"
#include "core/state.h"

namespace apf::core {
namespace {

const std::vector<PilotState> kWaiting{PilotState::pending, PilotState::held, PilotState::unknown};
const std::vector<PilotState> kAny{PilotState::pending, PilotState::held,      PilotState::unknown,
                                   PilotState::running, PilotState::suspended, PilotState::transferring};

bool waits(const LivePilot& p) { return p.state <= PilotState::unknown; }

bool candidate(const LivePilot& p, Retire policy) {
  if (p.missing) return false;
  if (waits(p)) return policy != Retire::none;
  if (policy == Retire::unfed) return p.started_told && !p.payload_told && !p.exiting();
  return policy == Retire::running;
}

const char* name(Retire policy) {
  switch (policy) {
    case Retire::none: return "none";
    case Retire::pending: return "pending";
    case Retire::unfed: return "unfed";
    case Retire::running: return "running";
  }
  return "none";
}

// Trusted, young views of both sides; no open submission; the third cycle in a row that says so (R7).
bool may_retire(const FactoryState& s, Queue& q, Mono now) {
  if (q.negative_cycles == 0 || q.negative_counted < q.cycle_start) {
    ++q.negative_cycles;
    q.negative_counted = now;
  }
  const BatchState& b = s.batches[static_cast<std::size_t>(q.batch)];
  if (b.trust != Trust::ok || !fresh(b, b.spec.max_age, now) || q.open >= 0) return false;
  if (q.wms >= 0) {
    const WmsState& w = s.wmses[static_cast<std::size_t>(q.wms)];
    if (w.trust != Trust::ok || !fresh(w, w.spec.max_age, now)) return false;
  }
  return q.negative_cycles >= 3 && q.retired_at < q.cycle_start;
}

}  // namespace

void note_act(Queue& q, const std::string& text) {
  q.dirty = true;
  q.acted += (q.acted.empty() ? "" : "; ") + text;
}

bool being_removed(const LivePilot& p, Mono now) { return p.removing_at.ns != 0 && now - p.removing_at < seconds{600}; }

void remove(FactoryState& s, const std::vector<std::uint32_t>& slots, const std::vector<PilotState>& only_in,
            const std::string& rule, Mono now, std::vector<Effect>& out) {
  std::map<std::uint32_t, RemovePilots> by_source;
  std::map<std::uint32_t, std::size_t> by_queue;
  for (const auto slot : slots) {
    LivePilot& p = s.pilots[slot];
    p.removing_at = now;
    p.rule = s.texts.put(rule);
    save(s, slot);
    touch(s, p.queue);
    ++by_queue[p.queue];
    s.removals_waiting.push_back(p.no);
    RemovePilots& r = by_source[p.source];
    r.pilots.push_back(p.no);
    r.removals.push_back({p.batch_id, s.submissions[p.submission].row.id});
  }
  for (const auto& [queue, n] : by_queue) note_act(s.queues[queue], fmt::format("removing {} pilots: {}", n, rule));
  for (auto& [source, r] : by_source) {
    r.batch = s.batches[source].name;
    r.only_in = only_in;
    r.why = rule;
    out.emplace_back(std::move(r));
  }
}

std::int64_t retire(FactoryState& s, std::uint32_t queue, std::int64_t n, Mono now, std::vector<Effect>& out,
                    std::string& bound_by) {
  Queue& q = s.queues[queue];
  const Retire policy = q.spec->retire;
  if (policy == Retire::none) {
    bound_by = "retire = none";
    return 0;
  }
  if (!may_retire(s, q, now)) {
    bound_by = fmt::format("retire: {} of 3 cycles in a row, once a cycle", std::min(q.negative_cycles, 3));
    return 0;
  }
  std::vector<std::uint32_t> slots;
  for (const auto slot : q.members)
    if (candidate(s.pilots[slot], policy) && !being_removed(s.pilots[slot], now)) slots.push_back(slot);
  const bool newest = q.spec->retire_newest_first;
  std::sort(slots.begin(), slots.end(), [&](std::uint32_t a, std::uint32_t b) {
    const LivePilot& x = s.pilots[a];
    const LivePilot& y = s.pilots[b];
    if (waits(x) != waits(y)) return waits(x);  // those that wait go before those that work
    return newest ? x.no > y.no : x.no < y.no;
  });
  const auto tenth = static_cast<std::int64_t>(q.members.size()) / 10;
  const auto most = std::min({n, static_cast<std::int64_t>(slots.size()), std::max<std::int64_t>(tenth, 10)});
  slots.resize(static_cast<std::size_t>(most));
  if (most < n) bound_by = "retire: candidates, or 10 % a cycle";
  if (slots.empty()) return 0;
  q.retired_at = now;
  remove(s, slots, policy == Retire::pending ? kWaiting : kAny, fmt::format("retire = {}", name(policy)), now, out);
  return most;
}

void drain(FactoryState& s, Mono now, Wall shown, std::vector<Effect>& out) {
  if (s.holds.empty() || s.stopping) return;
  for (auto& q : s.queues) {
    const Hold* hold = hold_on(s, q, "drain", shown);
    if (hold == nullptr || q.counts.pending() == 0) continue;
    if (!sure(s.batches[static_cast<std::size_t>(q.batch)], now))
      continue;  // nothing is removed on a doubtful view (R5)
    std::vector<std::uint32_t> slots;
    for (const auto slot : q.members) {
      const LivePilot& p = s.pilots[slot];
      if (waits(p) && !p.missing && !being_removed(p, now) && slots.size() < 1000) slots.push_back(slot);
    }
    if (!slots.empty()) remove(s, slots, kWaiting, "drain (" + hold->scope + ")", now, out);
  }
}

void remove_asked(FactoryState& s, Mono now, std::vector<Effect>& out) {
  for (auto& asked : s.removals_asked) {
    const std::unordered_set<std::uint64_t> numbers(asked.pilots.begin(), asked.pilots.end());
    std::vector<std::uint32_t> slots;
    for (std::uint32_t slot = 0; slot < s.pilots.size(); ++slot)
      if (s.pilots[slot].used && numbers.contains(s.pilots[slot].no)) slots.push_back(slot);
    if (!slots.empty()) remove(s, slots, kAny, asked.rule, now, out);
  }
  s.removals_asked.clear();
}

void on_removed(FactoryState& s, const RemoveAnswered& e, Mono now) {
  BatchState& b = s.batches[static_cast<std::size_t>(batch_named(s, e.batch))];
  b.next_poll = std::min(b.next_poll, now + milliseconds{500});  // see what became of it
  if (e.removed) return;
  const std::unordered_set<std::uint64_t> numbers(e.pilots.begin(), e.pilots.end());
  for (auto& p : s.pilots)
    if (p.used && numbers.contains(p.no)) p.removing_at = Mono{};  // tried again when the rule says so again
}

}  // namespace apf::core
