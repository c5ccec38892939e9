// Which nodes ruin pilots, and which are excluded for it: health.h has the rules.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
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
constexpr Duration kFirstProbe = seconds{1800}, kLongestProbe = seconds{8 * 3600}, kNextProbe = seconds{60};
constexpr Duration kRelapseTime = seconds{8 * 3600};
// Between two probes of a queue, where up to four nodes are excluded; with more of them it is asked more often.
constexpr Duration kLongestGap = seconds{2 * 3600};
constexpr std::int64_t kFewNodes = 4;
constexpr Duration kProbePatience = seconds{600};
constexpr Duration kLookAgain = seconds{1};
constexpr std::uint32_t kForgetHours = 24;

std::uint32_t hour_of(Mono t) { return static_cast<std::uint32_t>(t.ns / 3'600'000'000'000); }

auto known_at(std::vector<KnownNode>& known, Host host) {
  return std::lower_bound(known.begin(), known.end(), host, [](const KnownNode& k, Host h) { return k.host < h; });
}

void forget_nodes(Health& h, Mono now) {
  const auto is_excluded = [&](Host host) {
    return std::any_of(h.excluded.begin(), h.excluded.end(), [&](const auto& e) { return e.host == host; });
  };
  std::uint32_t limit = hour_of(now) - std::min(hour_of(now), kForgetHours);
  do {
    std::erase_if(h.known, [&](const KnownNode& k) { return k.hour < limit && !is_excluded(k.host); });
  } while (h.known.size() >= kMostKnownNodes && ++limit <= hour_of(now));
}

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

bool is_bad(const Outcome& o) { return o.verdict == Verdict::bad || o.verdict == Verdict::empty; }

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

template <class H>  // Health or const Health
auto* excluded_at(H& h, Host host) {
  const auto at = std::find_if(h.excluded.begin(), h.excluded.end(), [&](const auto& e) { return e.host == host; });
  return at == h.excluded.end() ? nullptr : &*at;
}

std::size_t most_excluded(const Health& h) {
  if (h.known.size() < 3) return 0;
  return std::clamp<std::size_t>(h.known.size() / 10, 1, kMostExcluded);
}

Contrast contrast_of(FactoryState& s, const Queue& q, const Run& run, Mono now) {
  const Health& h = q.health;
  Contrast c;
  const Proof proof = proof_against(h.recent, run.host, run.first);
  // A pilot that took a job had wrapper, credential and WMS in order: what ruined it can't be something that befell all
  // nodes at that moment. So pilots that started just before count, too: on a full site no others may start for long.
  const Mono from = run.fed ? run.first - kJustBefore : run.first;
  const auto in_window = [&](Mono started, std::uint64_t order) {
    return started >= from && started <= run.last && order >= run.order;
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

void exclusions_changed(FactoryState& s, Queue& q, Wall shown) {
  q.health.tell_due = true;
  q.health.tell_after = Mono{};
  s.unsaved_cursors["nodes:" + q.spec->name] = stored(q.health);
  show_alarm(s, q, shown);
  touch(s, s.queue_by_name.at(q.spec->name));
}

// How long after an exclusion, or a probe that failed, the next pilot may try the node.
Duration probe_gap(int falls) {
  return std::min(kFirstProbe * (std::int64_t{1} << std::min(falls, 10)), kLongestProbe);
}

// How often the node has fallen of late.
int falls_of(Health& h, Host host, Mono now) {
  std::erase_if(h.released, [&](const ReleasedNode& r) { return now - r.at > kRelapseTime; });
  const auto at = std::find_if(h.released.begin(), h.released.end(), [&](const auto& r) { return r.host == host; });
  return at == h.released.end() ? 0 : at->falls;
}

void exclude(FactoryState& s, Queue& q, const Run& run, Mono now, Wall shown) {
  Health& h = q.health;
  ExcludedNode e;
  e.host = run.host;
  e.name = s.texts.get(run.node);
  e.why = fmt::format("{} of its last {} pilots {}, while those of other nodes lived", run.bad + run.empty,
                      run.bad + run.empty + run.good, run.why);
  e.since = shown;
  e.survival = std::max(q.spec->min_pilot_time,
                        2 * std::chrono::duration_cast<Duration>(std::chrono::duration<float>(run.longest)));
  e.falls = falls_of(h, run.host, now);
  e.next_probe = now + probe_gap(e.falls);
  std::erase_if(h.released, [&](const ReleasedNode& r) { return r.host == run.host; });
  h.excluded.push_back(std::move(e));
  // What this node did says nothing about the queue.
  std::erase_if(h.recent, [&](const Outcome& o) { return o.host == run.host; });
  h.throttle = Throttle{};
  clear(s, "queue.failing", "queue:" + q.spec->name);
  exclusions_changed(s, q, shown);
}

void release(FactoryState& s, Queue& q, Host host, Mono now, Wall shown) {
  Health& h = q.health;
  if (const auto* e = excluded_at(h, host)) h.released.push_back({host, e->falls + 1, now});
  std::erase_if(h.excluded, [&](const ExcludedNode& e) { return e.host == host; });
  h.probe_gap = Duration{};
  h.next_probe = now + kNextProbe;  // what mended this one may have mended others
  exclusions_changed(s, q, shown);
}

void judge_node(FactoryState& s, std::uint32_t queue, Host host, Mono now, Wall shown) {
  Queue& q = s.queues[queue];
  Health& h = q.health;
  const Run run = run_of(h.recent, host);
  const bool relapse = falls_of(h, host, now) > 0;
  if (run.bad + run.empty < (relapse ? 1 : 2)) return;
  const Contrast c = contrast_of(s, q, run, now);
  const double sum = (run.bad + kEmptyWeight * run.empty) * log_ratio(c.rate, true) +
                     (run.good + c.lived_here) * log_ratio(c.rate, false);
  if (sum < (relapse ? kRelapse : kEnough) || c.lived.empty()) return;
  if (h.excluded.size() < most_excluded(h)) return exclude(s, q, run, now, shown);
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

void remember(Health& h, const Outcome& o, Mono now) {
  std::erase_if(h.recent, [&](const Outcome& x) { return now - x.at > kEvidenceAge; });
  const bool suspicious = o.verdict != Verdict::good;
  if (!suspicious && h.recent.empty()) return;
  if (h.recent.size() >= kMostRecent) h.recent.erase(h.recent.begin());
  h.recent.push_back(o);
}

// What became of the pilot that may run on an excluded node.
void tend_probe(FactoryState& s, Queue& q, Mono now, Wall shown) {
  Health& h = q.health;
  if (h.probe.submission.empty()) return;
  const auto undecided = [&] {
    h.probe = Probe{};
    h.next_probe = now + kNextProbe;
  };
  const auto found = s.submission_by_id.find(h.probe.submission);
  if (found == s.submission_by_id.end()) return undecided();  // it ended without a word about its node, or never was
  for (const auto slot : q.members) {
    const LivePilot& p = s.pilots[slot];
    if (p.submission != found->second || p.started_at.ns == 0 || p.node == 0) continue;
    if (host_of(s, p.node) != h.probe.host) return undecided();
    const auto* e = excluded_at(h, h.probe.host);
    if (e == nullptr) return undecided();
    if (p.exiting || p.missing || now - p.started_at < e->survival) return;
    const Host host = h.probe.host;
    h.probe = Probe{};
    return release(s, q, host, now, shown);
  }
  if (now - h.probe.asked_at > kProbePatience) undecided();
}

// The excluded node has had a pilot all the same: the probe, or one that had been on its way.
void outcome_of_excluded(FactoryState& s, Queue& q, ExcludedNode& e, const Outcome& o, bool probing, Mono now,
                         Wall shown) {
  Health& h = q.health;
  if (probing) h.probe = Probe{};
  if (o.verdict == Verdict::good && probing) return release(s, q, e.host, now, shown);
  if (!probing || !is_bad(o)) {
    if (probing) h.next_probe = now + kNextProbe;
    return;
  }
  ++e.falls;
  e.next_probe = now + probe_gap(e.falls);
  const auto many = std::max(kFewNodes, static_cast<std::int64_t>(h.excluded.size()));
  h.probe_gap = std::min(std::max(h.probe_gap * 2, kFirstProbe), kLongestGap * kFewNodes / many);
  h.next_probe = now + h.probe_gap;
  s.unsaved_cursors["nodes:" + q.spec->name] = stored(h);
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
    return outcome_of_excluded(s, q, *excluded, o, probing && o.host == h.probe.host, now, shown);
  remember(h, o, now);
  if (o.verdict == Verdict::good) return;
  if (is_bad(o) && o.host != 0 && may_exclude(q)) judge_node(s, p.queue, o.host, now, shown);
  if (o.verdict != Verdict::empty && excluded_at(h, o.host) == nullptr) watch_queue(s, p.queue, o, now, shown);
}

void tend(FactoryState& s, std::uint32_t queue, Mono now, Wall shown) {
  Queue& q = s.queues[queue];
  Health& h = q.health;
  if (!may_exclude(q) && !h.excluded.empty()) {
    h.excluded.clear();
    h.probe = Probe{};
    exclusions_changed(s, q, shown);
  }
  tend_probe(s, q, now, shown);
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
    if (const auto found = s.submission_by_id.find(h.probe.submission); found != s.submission_by_id.end())
      for (const auto slot : q.members)
        if (s.pilots[slot].submission == found->second && s.pilots[slot].started_at.ns != 0)
          later(s.pilots[slot].started_at + e->survival + milliseconds{1});
  }
  if (h.tell_due && !h.telling) later(h.tell_after);
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
  h.tell_due = !h.excluded.empty();
}

}  // namespace apf::core
