// Which nodes ruin pilots: health.h has the rules, exclusions.cc what follows.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/health.h"
#include "core/state.h"

namespace apf::core {
namespace {

constexpr double kUsualRate = 0.05;  // of pilots that fail on a sound node, before anything is known of the queue
constexpr double kUsualWeight = 20;  // as many nodes' worth of evidence as that guess is
constexpr double kLeastRate = 0.01;
constexpr double kRuined = 0.6;       // share of pilots that a ruined node ruins, at least
constexpr double kEnough = 7.2;       // log likelihood ratio: 3 failures in a row at the usual rate, 2 at the least
constexpr double kEmptyWeight = 0.5;  // an empty pilot says less than a failed one
constexpr double kRelapse = 3.5;  // the same for a node that came back lately: one failure in a sound queue, else two
constexpr Duration kJustBefore = seconds{600};
constexpr Duration kLongestPause = seconds{120};
constexpr Duration kLookAgain = seconds{1};
constexpr std::uint32_t kForgetHours = 24;

std::uint32_t hour_of(Mono t) { return static_cast<std::uint32_t>(t.ns / 3'600'000'000'000); }

auto known_at(std::vector<KnownNode>& known, Host host) {
  return std::lower_bound(known.begin(), known.end(), host, [](const KnownNode& k, Host h) { return k.host < h; });
}

void forget_nodes(Health& h, Mono now) {
  std::uint32_t limit = hour_of(now) - std::min(hour_of(now), kForgetHours);
  do {
    std::erase_if(h.known, [&](const KnownNode& k) { return k.hour < limit && excluded_at(h, k.host) == nullptr; });
  } while (h.known.size() >= kMostKnownNodes && ++limit <= hour_of(now));
}

double log_ratio(double rate, bool bad) {
  return bad ? std::log(kRuined / rate) : std::log((1 - kRuined) / (1 - rate));
}

// A node's outcomes since it was last above suspicion.
struct Run {
  Host host = 0;
  std::uint32_t node = 0;
  int bad = 0, empty = 0, good = 0;
  bool fed = true;    // all of them had started a payload
  float longest = 0;  // seconds that a bad one reached
  Mono first, last;   // starts of its first and last bad pilot
  std::uint64_t order = 0;
  const char* why = "";
};

Run run_of(const std::vector<Outcome>& recent, Host host) {
  Run r;
  double sum = 0;
  for (const auto& o : recent) {
    if (o.host != host || (!is_bad(o) && o.verdict != Verdict::good)) continue;
    const double weight = o.verdict == Verdict::empty ? kEmptyWeight : 1;
    sum += weight * log_ratio(kUsualRate, is_bad(o));
    if (sum <= 0) {
      r = Run{};
      sum = 0;
      continue;
    }
    if (!is_bad(o)) {
      ++r.good;
      continue;
    }
    if (r.bad + r.empty == 0) {
      r.first = o.started;
      r.order = o.order;
    }
    r.first = std::min(r.first, o.started);
    r.order = std::min(r.order, o.order);
    r.last = std::max(r.last, o.started);
    ++(o.verdict == Verdict::empty ? r.empty : r.bad);
    r.fed = r.fed && o.fed;
    r.longest = std::max(r.longest, o.wall_s);
    r.why = o.why;
    r.node = o.node;
  }
  r.host = host;
  return r;
}

// What the other nodes did between the first and the last bad pilot of a run.
struct Contrast {
  int lived_here = 0;
  std::set<Host> lived;  // other nodes
  double rate = kUsualRate;
};

std::size_t most_excluded(const Health& h) {
  if (h.known.size() < 3) return 0;
  return std::clamp<std::size_t>(h.known.size() / 10, 1, kMostExcluded);
}

// `until`: the last start that counts.
Contrast contrast_of(FactoryState& s, const Queue& q, const Run& run, Mono until, Mono now) {
  const Health& h = q.health;
  Contrast c;
  const Proof proof = proof_against(h.recent, run.host, run.first);
  // A pilot that took a job had wrapper, credential and WMS in order: what ruined it can't be something that befell all
  // nodes at that moment. So pilots that started just before count, too: on a full site no others may start for long.
  const Mono from = run.fed ? run.first - kJustBefore : run.first;
  const auto in_window = [&](Mono started, std::uint64_t order) {
    return started >= from && started <= until && order >= run.order;
  };
  for (const auto slot : q.members) {
    const LivePilot& p = s.pilots[slot];
    if (p.node == 0 || !in_window(p.started_at, p.no - p.index) || !lives(p, proof, now)) continue;
    if (run.empty > 0 && !p.payload_told) continue;  // others must have got payloads
    const Host host = host_of(s, p.node);
    if (host == run.host)
      ++c.lived_here;
    else
      c.lived.insert(host);
  }
  std::map<Host, std::pair<int, int>> others;  // bad, good
  for (const auto& o : h.recent) {
    if (o.host == run.host || o.host == 0 || o.started < from) continue;
    if (is_bad(o)) ++others[o.host].first;
    if (o.verdict != Verdict::good) continue;
    ++others[o.host].second;
    if (in_window(o.started, o.order)) c.lived.insert(o.host);
  }
  // Other nodes that look ruined themselves say nothing about the sound ones, as far as they may be excluded, too.
  std::size_t ruined = most_excluded(h) - std::min(most_excluded(h), h.excluded.size() + 1);
  double sum = kUsualRate * kUsualWeight, nodes = kUsualWeight;
  for (const auto& [host, n] : others) {
    const int good = n.second + (c.lived.contains(host) ? 1 : 0);
    if (n.first == 0) continue;
    if (n.first >= 2 && good == 0 && ruined > 0) {
      --ruined;
      continue;
    }
    sum += static_cast<double>(n.first) / (n.first + good);
    ++nodes;
  }
  for (const auto host : c.lived)
    if (const auto at = others.find(host); at == others.end() || at->second.first == 0) ++nodes;
  c.rate = std::clamp(sum / nodes, kLeastRate, 0.99);
  return c;
}

ExcludedNode excluded_for(const FactoryState& s, const Queue& q, const Run& run) {
  ExcludedNode e;
  e.host = run.host;
  e.name = s.texts.get(run.node);
  e.why = fmt::format("{} of its last {} pilots {}, while those of other nodes lived", run.bad + run.empty,
                      run.bad + run.empty + run.good, run.why);
  e.survival = std::max(q.spec->min_pilot_time,
                        2 * std::chrono::duration_cast<Duration>(std::chrono::duration<float>(run.longest)));
  return e;
}

void judge_node(FactoryState& s, std::uint32_t queue, Host host, Mono now, Wall shown) {
  Queue& q = s.queues[queue];
  Health& h = q.health;
  const Run run = run_of(h.recent, host);
  const bool relapse = falls_of(h, host, now) > 0;
  if (run.bad + run.empty < (relapse ? 1 : 2)) return;
  const Contrast c = contrast_of(s, q, run, run.last, now);
  const double sum = (run.bad + kEmptyWeight * run.empty) * log_ratio(c.rate, true) +
                     (run.good + c.lived_here) * log_ratio(c.rate, false);
  if (sum < (relapse ? kRelapse : kEnough)) return;
  if (c.lived.empty()) {
    if (run.fed && h.paused.host == 0 && h.excluded.size() < most_excluded(h))
      pause(s, queue, {host, s.texts.get(run.node), now});
    return;
  }
  if (h.excluded.size() < most_excluded(h)) return exclude(s, queue, excluded_for(s, q, run), now, shown);
  throttle(s, queue,
           fmt::format("more than {} of {} known nodes ruin pilots; their last ones {}", h.excluded.size(),
                       h.known.size(), run.why),
           now, shown);
}

bool may_exclude(const Queue& q) { return q.health.chooses_nodes && q.spec->exclude_nodes && !q.gone; }

bool jobs_wait(const FactoryState& s, const Queue& q) {
  const auto cells = cells_of(s, q);
  return std::any_of(cells.begin(), cells.end(), [](const Demand* d) { return d->ready > 0; });
}

void tend_pause(FactoryState& s, std::uint32_t queue, Mono now) {
  Queue& q = s.queues[queue];
  const PausedNode& paused = q.health.paused;
  if (paused.host == 0) return;
  const Run run = run_of(q.health.recent, paused.host);
  if (now - paused.since >= kLongestPause || run.bad == 0 || !may_exclude(q) ||
      !contrast_of(s, q, run, now, now).lived.empty())
    end_pause(s, queue);
}

void remember(Health& h, const Outcome& o, Mono now) {
  std::erase_if(h.recent, [&](const Outcome& x) { return now - x.at > kEvidenceAge; });
  const bool suspicious = o.verdict != Verdict::good;
  if (!suspicious && h.recent.empty()) return;
  if (h.recent.size() >= kMostRecent) h.recent.erase(h.recent.begin());
  h.recent.push_back(o);
}

}  // namespace

void know(Health& h, Host host, Mono now) {
  auto at = known_at(h.known, host);
  if (at != h.known.end() && at->host == host) {
    at->hour = hour_of(now);
    return;
  }
  if (h.known.size() >= kMostKnownNodes) {
    forget_nodes(h, now);
    if (h.known.size() >= kMostKnownNodes) return;
    at = known_at(h.known, host);
  }
  h.known.insert(at, {host, hour_of(now)});
}

Host host_of(FactoryState& s, std::uint32_t node) {
  if (const auto at = s.hosts.find(node); at != s.hosts.end()) return at->second;
  const std::string name = s.texts.get(node);
  const bool address = name.find_first_not_of("0123456789.") == std::string::npos;
  const Host host = address ? node : s.texts.put(name.substr(0, name.find('.')));
  s.hosts.emplace(node, host);
  return host;
}

void note_node(FactoryState& s, const LivePilot& p, Mono now) {
  if (p.node != 0) know(s.queues[p.queue].health, host_of(s, p.node), now);
}

void note_outcome(FactoryState& s, LivePilot& p, const Ending& e, Mono started, Mono now, Wall shown) {
  p.judged = true;
  Queue& q = s.queues[p.queue];
  Health& h = q.health;
  Outcome o;
  o.verdict = judge(e, q.spec->min_pilot_time);
  if (o.verdict == Verdict::empty && !jobs_wait(s, q)) o.verdict = Verdict::none;
  if (o.verdict == Verdict::none) return;
  if (p.node != 0) {
    o.host = host_of(s, p.node);
    o.node = p.node;
    know(h, o.host, now);
  }
  o.fed = p.payload_told || e.payloads > 0;
  o.order = p.no - p.index;
  o.started = started;
  o.at = now;
  o.wall_s = e.wall_s;
  o.why = meaning(e, o.verdict);
  const bool probing = !h.probe.submission.empty() && s.submissions[p.submission].row.id == h.probe.submission;
  if (auto* excluded = o.host != 0 ? excluded_at(h, o.host) : nullptr)
    return outcome_of_excluded(s, p.queue, *excluded, o, probing && o.host == h.probe.host, now, shown);
  remember(h, o, now);
  if (o.verdict == Verdict::good) return;
  if (is_bad(o) && o.host != 0 && may_exclude(q)) judge_node(s, p.queue, o.host, now, shown);
  if (speaks_against_queue(o) && excluded_at(h, o.host) == nullptr) watch_queue(s, p.queue, o, now, shown);
}

void tend(FactoryState& s, std::uint32_t queue, Mono now, Wall shown) {
  Queue& q = s.queues[queue];
  Health& h = q.health;
  tend_exclusions(s, queue, may_exclude(q), now, shown);
  tend_pause(s, queue, now);
  if (h.recent.empty() && !h.throttle.on) return;
  tend_throttle(s, queue, now);
  if (!may_exclude(q) || now - h.looked < kLookAgain) return;
  h.looked = now;
  std::map<Host, int> suspects;
  for (const auto& o : h.recent)
    if (is_bad(o) && o.host != 0) ++suspects[o.host];
  for (const auto& [host, bad] : suspects)
    if (bad >= 2 || !h.released.empty()) judge_node(s, queue, host, now, shown);
}

}  // namespace apf::core
