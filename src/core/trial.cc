// At most a few pilots at a time whose fate nobody knows yet (R3): a bad credential has them held as they are
// submitted, or as they start, and for ever. What waits for proof is bounded by number and not by time, so that a queue
// grows as fast as its batch system shows that it takes the pilots.
#include <fmt/format.h>

#include <algorithm>

#include "core/holds.h"
#include "core/state.h"

namespace apf::core {
namespace {

constexpr Duration kLives = seconds{10};  // a started pilot that is not held by then is not held for its credential
constexpr Duration kTaken = seconds{10};  // likewise one that waits, where pilots were seen to start lately ...
constexpr Duration kTakenUntried = seconds{60};  // ... and where none was: it would have been given to a slot
constexpr Duration kLately = seconds{3600};

bool waits(const LivePilot& p) { return p.state == PilotState::pending || p.state == PilotState::unknown; }

Duration patience(const Trial& t, bool started, Mono now) {
  if (started) return kLives;
  return t.lived_at.ns != 0 && now - t.lived_at <= kLately ? kTaken : kTakenUntried;
}

// Forgets those of whom something is known by now.
void settle(FactoryState& s, std::uint32_t queue, bool started, Mono now) {
  Trial& t = s.queues[queue].trial;
  const Duration enough = patience(t, started, now);
  std::erase_if(t.unproven, [&](const Unproven& u) {
    const LivePilot& p = s.pilots[u.slot];
    if (u.started != started) return false;
    if (!p.used || p.no != u.no || p.queue != queue || p.state == PilotState::held || waits(p) == started) return true;
    if (p.missing) return false;
    const BatchState& b = s.batches[p.source];
    const bool proven = (started && p.started_told) || (fed(b, now) ? now : b.view_at) - u.since >= enough;
    if (proven && started) note_lived(s.queues[queue], u.since);
    return proven;
  });
}

}  // namespace

void await_proof(Queue& q, std::uint32_t slot, const LivePilot& p, Mono since) {
  q.trial.unproven.push_back({slot, p.no, since, !waits(p)});
}

void note_lived(Queue& q, Mono started) { q.trial.lived_at = std::max(q.trial.lived_at, started); }

Cap trial_cap(FactoryState& s, std::uint32_t queue, Mono now) {
  Queue& q = s.queues[queue];
  Trial& t = q.trial;
  settle(s, queue, true, now);
  settle(s, queue, false, now);
  const auto young = std::count_if(t.unproven.begin(), t.unproven.end(), [](const Unproven& u) { return u.started; });
  // where the last word was a hold, to wait proves nothing: only a pilot that lives does
  const bool distrust = t.held_at > t.lived_at;
  const std::int64_t waiting = distrust ? q.counts.pending() - q.counts.of(PilotState::held)
                                        : static_cast<std::int64_t>(t.unproven.size()) - young;
  const std::int64_t unproven = q.counts.of(PilotState::held) + young + waiting;
  const std::int64_t all = q.counts.pending() + q.counts.running();
  Cap cap;
  // of all + most pilots, a fifth: unproven + most
  cap.most = std::max({std::int64_t{0}, q.spec->trial - unproven, (all - 5 * unproven) / 4});
  cap.name =
      fmt::format("trial: {} of {} pilots {}", unproven, all,
                  distrust ? "are held, or wait since the last one was" : "have yet to show that they are not held");
  for (const auto& u : t.unproven) {
    if (!fed(s.batches[s.pilots[u.slot].source], now)) continue;  // a view will tell, and the queue is looked at then
    cap.retry = std::min(cap.retry, std::max(u.since + patience(t, u.started, now), now + seconds{1}));
  }
  return cap;
}

}  // namespace apf::core
