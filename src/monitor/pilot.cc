#include "monitor/pilot.h"

#include <algorithm>

namespace apf::monitor {
namespace {

constexpr std::size_t kMostMoments = 24;  // of a time line; what is between its first and last half goes
constexpr Duration kIdsComeBack = seconds{24 * 3600};

Wall& slot(Pilot& p, PilotState s) {
  switch (s) {
    case PilotState::running: return p.running;
    case PilotState::exiting: return p.exiting;
    case PilotState::done:
    case PilotState::fault: return p.ended;
    default: return p.created;
  }
}

void note(Pilot& p, Moment moment) {
  p.line.push_back(std::move(moment));
  // In the order of time; equal times in the order of arrival.
  for (std::size_t i = p.line.size() - 1; i > 0 && p.line[i].at < p.line[i - 1].at; --i)
    std::swap(p.line[i], p.line[i - 1]);
  if (p.line.size() > kMostMoments) p.line.erase(p.line.begin() + kMostMoments / 2);
}

// The state that was told, without what time did: from the times that are known.
PilotState told(const Pilot& p) {
  if (p.exiting.ms != 0) return PilotState::exiting;
  return p.running.ms != 0 ? PilotState::running : PilotState::created;
}

void take_back(Pilot& p) {
  if (!p.aged) return;
  p.aged = false;
  p.ended = Wall{};
  p.failure.clear();
  p.reason.clear();
  p.state = told(p);
}

// Each takes over what is new, and says whether anything was.
bool fill(std::string& to, const std::string& from) {
  if (from.empty() || !to.empty()) return false;
  to = from;
  return true;
}
bool replace(std::string& to, const std::string& from) {
  if (from.empty() || from == to) return false;
  to = from;
  return true;
}

bool merge(std::vector<Detail>& to, const std::vector<Detail>& from) {
  bool news = false;
  for (const Detail& d : from) {
    const auto it = std::find_if(to.begin(), to.end(), [&](const Detail& known) { return known.name == d.name; });
    if (it == to.end()) {
      to.push_back(d);
      news = true;
    } else if (it->value != d.value) {
      it->value = d.value;
      news = true;
    }
  }
  return news;
}

bool take_rc(Pilot& p, const PilotNews& n) {
  const bool first_hand = n.state == PilotState::exiting;  // the wrapper's own word
  if (!n.rc || p.rc == n.rc || (p.rc && !first_hand)) return false;
  p.rc = n.rc;
  return true;
}

bool take_facts(Pilot& p, const PilotNews& n, NodeNo node) {
  bool news = take_rc(p, n);
  if (n.payloads && n.payloads.value() > p.payloads.value_or(-1)) {
    p.payloads = n.payloads;
    news = true;
  }
  if (n.payload_started && !p.payload_started) news = p.payload_started = true;
  if (node != 0 && node != p.node) {
    p.node = node;
    news = true;
  }
  if (n.index && !p.index) {
    p.index = n.index;
    news = true;
  }
  news |= fill(p.submission, n.submission);
  news |= replace(p.payload_ids, n.payload_ids);
  return merge(p.details, n.details) || news;
}

// A hold is no state: the pilot waits on, until it is released, or removed.
bool take_hold(Pilot& p, const PilotNews& n, Wall now) {
  if (!n.held || (p.state >= PilotState::done && !p.aged)) return false;
  const bool was = p.held.value_or(false), same = p.held == n.held;
  if (same && (!was || n.hold_reason.empty() || n.hold_reason == p.reason)) return false;
  p.held = n.held;
  if (*n.held) p.reason = n.hold_reason;
  if (was && !*n.held) p.reason.clear();
  if (*n.held) note(p, {now, PilotState::created, n.source, n.hold_reason.empty() ? "held" : "held: " + n.hold_reason});
  if (was && !*n.held) note(p, {now, PilotState::created, n.source, "released"});
  return true;
}

bool move_on(Pilot& p, PilotState to) {
  if (p.state == PilotState::fault || to <= p.state) return false;
  p.state = to;
  return true;
}

Wall stale_since(const Pilot& p, const AgeingRules& rules) {
  const bool ran = p.running.ms != 0;
  const Wall from = ran ? p.running : p.first();
  return Wall{from.ms +
              std::chrono::duration_cast<milliseconds>(ran ? rules.running_stale : rules.created_stale).count()};
}

Wall later(Wall t, Duration d) { return Wall{t.ms + std::chrono::duration_cast<milliseconds>(d).count()}; }

}  // namespace

Pilot new_pilot(PilotKey key, FactoryNo factory, LabelNo label, const PilotNews& news) {
  Pilot p;
  p.key = key;
  p.factory = factory;
  p.label = label;
  p.id = news.id;
  return p;
}

bool is_another(const Pilot& p, const PilotNews& n, Wall now) {
  return n.state == PilotState::created && p.state >= PilotState::done && between(p.seen, now) >= kIdsComeBack &&
         (n.at.ms == 0 || n.at > p.ended);
}

bool apply(Pilot& p, const PilotNews& n, NodeNo node, Wall now) {
  const Wall at = n.at.ms > 0 && n.at <= now ? n.at : now;
  const bool first = p.seen.ms == 0;
  const bool guessed_end = p.aged && p.state >= PilotState::done && n.state >= PilotState::done;
  const bool fresh_slot = guessed_end || slot(p, n.state).ms == 0;
  const bool was_held = p.held.value_or(false);
  bool news = take_facts(p, n, node);
  news |= take_hold(p, n, now);
  const bool fault_now = n.state == PilotState::fault && (p.state != PilotState::fault || p.aged);
  if (first || fresh_slot || fault_now || news) {
    take_back(p);
    Wall& when = slot(p, n.state);
    if (when.ms == 0) when = at;
    news = true;
  }
  p.seen = std::max(p.seen, now);
  if (!news) return false;
  move_on(p, n.state);
  if (n.state == PilotState::fault) {
    fill(p.failure, n.failure);
    if (was_held)
      replace(p.reason, n.text);  // what was there told of the hold
    else
      fill(p.reason, n.text);
  }
  if (first || fresh_slot || fault_now || !n.text.empty()) note(p, {at, n.state, n.source, n.text});
  return true;
}

Wall due(const Pilot& p, const AgeingRules& rules) {
  switch (p.state) {
    case PilotState::created:
    case PilotState::running: return stale_since(p, rules);
    case PilotState::exiting: return later(p.exiting, rules.exiting_done);
    case PilotState::stale: return later(std::max(stale_since(p, rules), p.seen), rules.stale_fault);
    case PilotState::done:
    case PilotState::fault: break;
  }
  return {};
}

bool age(Pilot& p, const AgeingRules& rules, Wall now) {
  const Wall when = due(p, rules);
  if (when.ms == 0 || now < when) return false;
  p.aged = true;
  std::string text;
  switch (p.state) {
    case PilotState::exiting:
      p.state = PilotState::done;
      p.ended = now;
      text = "exiting for " + human(rules.exiting_done) + ": taken as done";
      break;
    case PilotState::stale:
      p.state = PilotState::fault;
      p.ended = now;
      p.failure = "lost";
      p.reason = text = "nothing was heard of it since " + iso8601(p.seen);
      break;
    default: text = std::string(name(p.state)) + " for too long"; p.state = PilotState::stale;
  }
  note(p, {now, p.state, "monitor", text});
  return true;
}

}  // namespace apf::monitor
