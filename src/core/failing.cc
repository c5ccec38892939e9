// Queues whose pilots fail everywhere: one pilot at a time, ever more rarely (R11). health.h has the rules.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/health.h"
#include "core/state.h"

namespace apf::core {
namespace {

constexpr std::size_t kFew = 5;   // failures without contrast that make a queue suspect; nodes of a small site
constexpr std::size_t kMany = 8;  // the same when all are of one node
constexpr Duration kLately = seconds{600};
constexpr Duration kFirstGap = seconds{10}, kLongestGap = seconds{120};
constexpr int kFaster = 8;              // each pilot that lives divides the gap by this
constexpr Duration kFree = seconds{1};  // a gap below this is none
constexpr Duration kMargin = seconds{2};

// Pilots that started since then and live or did their work, and their nodes; those of unknown nodes count as one each.
struct Sound {
  std::size_t pilots = 0, nodes = 0;
};

Sound sound(FactoryState& s, const Queue& q, Mono since, const Proof& proof, Mono now) {
  std::set<Host> sound;
  std::size_t pilots = 0, unknown = 0;
  for (const auto slot : q.members) {
    const LivePilot& p = s.pilots[slot];
    if (p.started_at < since || !lives(p, proof, now)) continue;
    ++pilots;
    if (p.node == 0)
      ++unknown;
    else
      sound.insert(host_of(s, p.node));
  }
  for (const auto& o : q.health.recent) {
    if (o.verdict != Verdict::good || o.started < since) continue;
    ++pilots;
    sound.insert(o.host);
  }
  return {pilots, sound.size() + unknown};
}

}  // namespace

Proof proof_against(const std::vector<Outcome>& recent, Host host, Mono since) {
  Proof proof{Duration{}, true};
  for (const auto& o : recent) {
    if (o.verdict == Verdict::good || o.started < since || (host != 0 && o.host != host)) continue;
    const auto ran = std::chrono::duration_cast<Duration>(std::chrono::duration<float>(o.wall_s));
    proof.age = std::max(proof.age, 2 * ran);
    proof.fed = proof.fed && !o.fed;
  }
  proof.age += kMargin;
  return proof;
}

bool lives(const LivePilot& p, const Proof& proof, Mono now) {
  if (p.started_at.ns == 0 || p.exiting() || p.judged || p.missing || p.state != PilotState::running) return false;
  if (proof.fed && p.payload_told) return true;
  // a pilot that does not report may be dead for as long as nobody looks
  return now - p.started_at >= proof.age + (p.started_told ? Duration{} : Duration{seconds{60}});
}

void throttle(FactoryState& s, std::uint32_t queue, const std::string& why, Mono now, Wall shown) {
  Queue& q = s.queues[queue];
  Throttle& t = q.health.throttle;
  if (t.on) return;
  t = Throttle{true, now, now + kFirstGap, kFirstGap, s.next_pilot, 0, why};
  raise(s, "queue.failing", "queue:" + q.spec->name,
        why + "; the queue is slowed down to single pilots until some live", shown);
  touch(s, queue);
}

void end_throttle(FactoryState& s, std::uint32_t queue) {
  Queue& q = s.queues[queue];
  q.health.throttle = Throttle{};
  clear(s, "queue.failing", "queue:" + q.spec->name);
  s.changed.insert(queue);
}

void watch_queue(FactoryState& s, std::uint32_t queue, const Outcome& last, Mono now, Wall shown) {
  Queue& q = s.queues[queue];
  Health& h = q.health;
  if (h.throttle.on) {
    if (last.order >= h.throttle.order) {
      h.throttle.gap = std::min(std::max(h.throttle.gap, kFirstGap / 2) * 2, kLongestGap);
      h.throttle.next = std::max(h.throttle.next, now + h.throttle.gap);
    }
    return;
  }
  std::vector<const Outcome*> bad;  // newest first
  for (auto o = h.recent.rbegin(); o != h.recent.rend(); ++o)
    if (speaks_against_queue(*o) && now - o->at <= kLately && o->started >= h.watch_from) bad.push_back(&*o);
  if (bad.size() < kFew) return;
  std::set<Host> nodes;
  for (const auto* o : bad) nodes.insert(o->host);
  if (nodes.size() == 1 && *nodes.begin() != 0 && bad.size() < kMany) return;
  Mono lately = now, since = now;
  for (std::size_t i = 0; i < bad.size(); ++i) {
    if (i < kFew) lately = std::min(lately, bad[i]->started);
    since = std::min(since, bad[i]->started);
  }
  if (sound(s, q, lately, proof_against(h.recent, 0, lately), now).pilots == 0)
    return throttle(s, queue, fmt::format("the last {} pilots {}, and none lived", kFew, last.why), now, shown);
  const std::size_t live_on = sound(s, q, since, proof_against(h.recent, 0, since), now).nodes;
  if (nodes.size() > std::max<std::size_t>(kFew, h.known.size() / 10) && nodes.size() > live_on)
    throttle(
        s, queue,
        fmt::format("pilots fail on {} nodes and live on {}; the last one of them {}", nodes.size(), live_on, last.why),
        now, shown);
}

void tend_throttle(FactoryState& s, std::uint32_t queue, Mono now) {
  Queue& q = s.queues[queue];
  Throttle& t = q.health.throttle;
  if (!t.on) return;
  const auto& recent = q.health.recent;
  const Mono evidence = t.since - kLately;
  const Sound since = sound(s, q, t.since, proof_against(recent, 0, evidence), now);
  const auto lived = static_cast<int>(q.health.known.size() < kFew ? since.pilots : since.nodes);
  for (; t.lived < lived && t.gap >= kFree; ++t.lived) {
    t.gap /= kFaster;
    t.next = std::min(t.next, now + t.gap);
  }
  const bool over = std::none_of(recent.begin(), recent.end(), [&](const Outcome& o) {
    return speaks_against_queue(o) && now - o.at <= kEvidenceAge;
  });
  if (t.gap >= kFree && !over) return;
  end_throttle(s, queue);
  q.health.watch_from = now;
}

}  // namespace apf::core
