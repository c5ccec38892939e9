// What follows when a node is found to ruin pilots: it gets none, pending ones are told, now and then one pilot probes
// it, and it comes back when that one lives. health.h has the rules.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/health.h"
#include "core/state.h"

namespace apf::core {
namespace {

constexpr Duration kFirstProbe = seconds{1800}, kLongestProbe = seconds{8 * 3600}, kNextProbe = seconds{60};
constexpr Duration kRelapseTime = seconds{8 * 3600};
// Between two probes of a queue, where up to four nodes are excluded; with more of them it is asked more often.
constexpr Duration kLongestGap = seconds{2 * 3600};
constexpr std::int64_t kFewNodes = 4;
constexpr Duration kProbePatience = seconds{600};
constexpr Duration kLookAtPause = seconds{2};

void show_alarm(FactoryState& s, const Queue& q, Wall shown) {
  const std::string subject = "queue:" + q.spec->name;
  const Health& h = q.health;
  if (h.excluded.empty()) return clear(s, "queue.nodes_excluded", subject);
  std::string names;
  for (std::size_t i = 0; i < std::min<std::size_t>(h.excluded.size(), 5); ++i)
    names += fmt::format("{}{} ({})", i > 0 ? ", " : "", h.excluded[i].name, h.excluded[i].why);
  if (h.excluded.size() > 5) names += fmt::format(" and {} more", h.excluded.size() - 5);
  raise(s, "queue.nodes_excluded", subject,
        fmt::format("{} of {} known nodes get no pilots: {}", h.excluded.size(), h.known.size(), names), shown);
}

void save_exclusions(FactoryState& s, const Queue& q) { s.unsaved_cursors["nodes:" + q.spec->name] = stored(q.health); }

void exclusions_changed(FactoryState& s, std::uint32_t queue, Wall shown) {
  Queue& q = s.queues[queue];
  q.health.tell_due = true;
  q.health.tell_after = Mono{};
  save_exclusions(s, q);
  show_alarm(s, q, shown);
  touch(s, queue);
}

// How long after an exclusion, or a probe that failed, the next pilot may try the node.
Duration probe_gap(int falls) {
  return std::min(kFirstProbe * (std::int64_t{1} << std::min(falls, 10)), kLongestProbe);
}

void release(FactoryState& s, std::uint32_t queue, Host host, Mono now, Wall shown) {
  Health& h = s.queues[queue].health;
  if (const auto* e = excluded_at(h, host)) h.released.push_back({host, e->falls + 1, now});
  std::erase_if(h.excluded, [&](const ExcludedNode& e) { return e.host == host; });
  h.probe_gap = Duration{};
  h.next_probe = now + kNextProbe;  // what mended this one may have mended others
  exclusions_changed(s, queue, shown);
}

// The pilot that may run on an excluded node, once it runs somewhere; `gone`: it ended without a word about its node,
// or never was.
struct ProbePilot {
  const LivePilot* started = nullptr;
  bool gone = false;
};

ProbePilot probe_pilot(const FactoryState& s, const Queue& q) {
  const auto found = s.submission_by_id.find(q.health.probe.submission);
  if (found == s.submission_by_id.end()) return {nullptr, true};
  for (const auto slot : q.members) {
    const LivePilot& p = s.pilots[slot];
    if (p.submission == found->second && p.started_at.ns != 0 && p.node != 0) return {&p, false};
  }
  return {};
}

void tend_probe(FactoryState& s, std::uint32_t queue, Mono now, Wall shown) {
  Queue& q = s.queues[queue];
  Health& h = q.health;
  if (h.probe.submission.empty()) return;
  const ProbePilot probe = probe_pilot(s, q);
  const auto* e = excluded_at(h, h.probe.host);
  const bool elsewhere = probe.started != nullptr && host_of(s, probe.started->node) != h.probe.host;
  const bool late = probe.started == nullptr && now - h.probe.asked_at > kProbePatience;
  if (probe.gone || elsewhere || late || e == nullptr) {
    h.probe = Probe{};
    h.next_probe = now + kNextProbe;
    return;
  }
  if (probe.started == nullptr || probe.started->exiting() || probe.started->judged || probe.started->missing ||
      now - probe.started->started_at < e->survival)
    return;
  const Host host = std::exchange(h.probe, Probe{}).host;
  release(s, queue, host, now, shown);
}

std::vector<std::string> parts(const std::string& text, char by) {
  std::vector<std::string> out(1);
  for (const char c : text)
    if (c == by)
      out.emplace_back();
    else
      out.back() += c;
  return out;
}

}  // namespace

int falls_of(Health& h, Host host, Mono now) {
  std::erase_if(h.released, [&](const ReleasedNode& r) { return now - r.at > kRelapseTime; });
  const auto at = std::find_if(h.released.begin(), h.released.end(), [&](const auto& r) { return r.host == host; });
  return at == h.released.end() ? 0 : at->falls;
}

void exclude(FactoryState& s, std::uint32_t queue, ExcludedNode e, Mono now, Wall shown) {
  Health& h = s.queues[queue].health;
  const Host host = e.host;
  e.since = shown;
  e.falls = falls_of(h, host, now);
  e.next_probe = now + probe_gap(e.falls);
  std::erase_if(h.released, [&](const ReleasedNode& r) { return r.host == host; });
  h.excluded.push_back(std::move(e));
  if (h.paused.host == host) h.paused = PausedNode{};
  // What this node did says nothing about the queue.
  std::erase_if(h.recent, [&](const Outcome& o) { return o.host == host; });
  end_throttle(s, queue);
  exclusions_changed(s, queue, shown);
}

void pause(FactoryState& s, std::uint32_t queue, PausedNode node) {
  Queue& q = s.queues[queue];
  note_act(
      q, fmt::format("node {} gets no pilots until one that starts elsewhere lives: its last ones failed", node.name));
  q.health.paused = std::move(node);
  q.health.tell_due = true;
  save_exclusions(s, q);
  touch(s, queue);
}

void end_pause(FactoryState& s, std::uint32_t queue) {
  Queue& q = s.queues[queue];
  q.health.paused = PausedNode{};
  q.health.tell_due = true;
  save_exclusions(s, q);
  touch(s, queue);
}

void outcome_of_excluded(FactoryState& s, std::uint32_t queue, ExcludedNode& e, const Outcome& o, bool probing,
                         Mono now, Wall shown) {
  Queue& q = s.queues[queue];
  Health& h = q.health;
  if (probing) h.probe = Probe{};
  if (o.verdict == Verdict::good && probing) return release(s, queue, e.host, now, shown);
  if (!probing || !is_bad(o)) {
    if (probing) h.next_probe = now + kNextProbe;
    return;
  }
  ++e.falls;
  e.next_probe = now + probe_gap(e.falls);
  const auto many = std::max(kFewNodes, static_cast<std::int64_t>(h.excluded.size()));
  h.probe_gap = std::min(std::max(h.probe_gap * 2, kFirstProbe), kLongestGap * kFewNodes / many);
  h.next_probe = now + h.probe_gap;
  save_exclusions(s, q);
}

void tend_exclusions(FactoryState& s, std::uint32_t queue, bool allowed, Mono now, Wall shown) {
  Health& h = s.queues[queue].health;
  if (!allowed && !h.excluded.empty()) {
    h.excluded.clear();
    h.probe = Probe{};
    exclusions_changed(s, queue, shown);
  }
  tend_probe(s, queue, now, shown);
}

Mono next_tend(const FactoryState& s, const Queue& q, Mono now) {
  const Health& h = q.health;
  Mono at = kNever;
  const auto later = [&](Mono t) {
    if (t > now) at = std::min(at, t);
  };
  if (h.throttle.on) later(h.throttle.next);
  if (h.probe.submission.empty())
    for (const auto& e : h.excluded) later(std::max(e.next_probe, h.next_probe));
  if (const auto* e = excluded_at(h, h.probe.host); e != nullptr && !h.probe.submission.empty()) {
    later(h.probe.asked_at + kProbePatience + milliseconds{1});
    if (const auto* p = probe_pilot(s, q).started) later(p->started_at + e->survival + milliseconds{1});
  }
  if (h.tell_due && !h.telling) later(h.tell_after);
  if (h.paused.host != 0) later(now + kLookAtPause);
  return at;
}

// Pilots that wait already would still start there.
void tell_pending(FactoryState& s, std::uint32_t queue, Mono now, std::vector<Effect>& out) {
  Queue& q = s.queues[queue];
  Health& h = q.health;
  if (!h.tell_due || h.telling || now < h.tell_after || !h.chooses_nodes) return;
  h.tell_due = false;
  if (q.counts.pending() + q.open_n == 0) return;
  h.telling = true;
  out.emplace_back(AvoidNodes{q.spec->batch, q.spec->name, avoided(q)});
}

void on_avoided(FactoryState& s, const AvoidAnswered& e, Mono now) {
  const auto at = s.queue_by_name.find(e.queue);
  if (at == s.queue_by_name.end()) return;
  Health& h = s.queues[at->second].health;
  h.telling = false;
  if (!e.told) {
    h.tell_due = true;
    h.tell_after = now + seconds{10};
  }
  touch(s, at->second);
}

std::vector<std::string> avoided(const Queue& q, Host probed) {
  std::vector<std::string> names;
  for (const auto& e : q.health.excluded)
    if (e.host != probed) names.push_back(e.name);
  if (q.health.paused.host != 0) names.push_back(q.health.paused.name);
  return names;
}

const ExcludedNode* due_for_probe(const Queue& q, Mono now) {
  const Health& h = q.health;
  if (!h.probe.submission.empty() || now < h.next_probe) return nullptr;
  const auto longest = std::min_element(h.excluded.begin(), h.excluded.end(),
                                        [](const auto& a, const auto& b) { return a.next_probe < b.next_probe; });
  return longest == h.excluded.end() || now < longest->next_probe ? nullptr : &*longest;
}

void note_submitted(Queue& q, const std::string& submission, Host probed, Mono now) {
  Health& h = q.health;
  if (probed != 0) {
    h.probe = Probe{submission, probed, now};
  }
  if (h.throttle.on) h.throttle.next = now + h.throttle.gap;
}

std::string stored(const Health& h) {
  std::string out;
  for (const auto& e : h.excluded) {
    std::string why = e.why;
    std::replace_if(why.begin(), why.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
    out += fmt::format("{}\t{}\t{}\t{}\t{}\n", e.name, e.since.ms, e.falls, e.survival / seconds{1}, why);
  }
  // a pause ends with the run of the factory, but pilots that wait have been told of it
  if (h.paused.host != 0) out += h.paused.name + "\n";
  return out;
}

void restore_nodes(FactoryState& s, Queue& q, const std::string& text, Mono now) {
  Health& h = q.health;
  const auto number = [](const std::string& digits, auto& into) {
    return std::from_chars(digits.data(), digits.data() + digits.size(), into).ec == std::errc{};
  };
  for (const auto& line : parts(text, '\n')) {
    const auto fields = parts(line, '\t');
    ExcludedNode e;
    std::int64_t survival = 0;
    if (fields.size() != 5 || fields[0].empty() || !number(fields[1], e.since.ms) || !number(fields[2], e.falls) ||
        !number(fields[3], survival))
      continue;
    e.survival = seconds{std::clamp<std::int64_t>(survival, 0, 86'400)};
    e.name = fields[0];
    e.why = fields[4];
    e.host = host_of(s, s.texts.put(e.name));
    if (h.excluded.size() >= kMostExcluded || excluded_at(h, e.host) != nullptr) continue;
    e.next_probe = now + probe_gap(std::clamp(e.falls, 0, 10));
    know(h, e.host, now);
    h.excluded.push_back(std::move(e));
  }
  h.tell_due = !text.empty();
}

}  // namespace apf::core
