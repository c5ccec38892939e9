// The table of live pilots and the counts that follow from it. No other file changes counts.
#include <algorithm>

#include "core/state.h"

namespace apf::core {
namespace {

bool is_running(PilotState s) {
  return s == PilotState::running || s == PilotState::suspended || s == PilotState::transferring;
}

void count(FactoryState& s, const LivePilot& p, std::int64_t by) {
  Queue& q = s.queues[p.queue];
  q.counts.live.at(static_cast<std::size_t>(p.state)) += by;
  if (p.missing) {
    q.counts.missing += by;
    s.batches[p.source].missing += by;
  }
  (is_running(p.state) ? s.total_running : s.total_pending) += by;
}

void note(FactoryState& s, const LivePilot& p, PilotState state, Wall at, std::int32_t exit_code,
          const std::string& reason, const std::string& profile = {}) {
  if (!s.watched()) return;
  PilotNote n;
  n.no = p.no;
  n.spec = s.queues[p.queue].spec;
  n.queue = n.spec->name;
  n.batch_id = p.batch_id;
  n.submission = s.submissions[p.submission].row.id;
  n.node = s.texts.get(p.node);
  n.reason = reason;
  n.index = p.index;
  n.state = state;
  n.at = at;
  n.exit_code = exit_code;
  n.payloads = p.payloads;
  n.profile = profile;
  n.planned = s.submissions[p.submission].row.planned;
  n.together = static_cast<std::uint32_t>(std::max(0, s.submissions[p.submission].row.n));
  n.submitted = p.submitted;
  n.started = p.started;
  s.notes.pilots.push_back(std::move(n));
}

// HTCondor 23 told 32 years of pilots that outlived their schedd. A clock's step is no reason for disbelief.
bool believable(float wall_s, const Pilot& ended) {
  constexpr float kStep = 86400;
  return wall_s < kStep || wall_s < kStep + static_cast<float>(ended.ended.ms - ended.submitted.ms) / 1000.0F;
}

void remember_claim(FactoryState& s, const LivePilot& p) {
  Claim c;
  c.pilot = p.no;
  c.planned_at = s.submissions[p.submission].planned_at;
  c.started_at = p.started_at;
  c.payload_at = p.payload_at;
  c.empty = p.empty;
  s.queues[p.queue].claims.push_back(c);
}

std::uint32_t free_slot(FactoryState& s) {
  if (s.free_pilots.empty()) {
    s.pilots.emplace_back();
    return static_cast<std::uint32_t>(s.pilots.size() - 1);
  }
  const auto slot = s.free_pilots.back();
  s.free_pilots.pop_back();
  return slot;
}

}  // namespace

void note_profile(FactoryState& s, const LivePilot& p, const std::string& profile, Wall shown) {
  note(s, p, p.state, shown, -1, "", profile);
}

Mono on_our_clock(Wall told, Mono now, Wall shown) {
  constexpr std::int64_t kTenYears = 10LL * 365 * 86400 * 1000;
  const std::int64_t at = std::clamp(told.ms, shown.ms - kTenYears, shown.ms);
  return now - milliseconds{shown.ms - at};
}

namespace {
std::uint64_t tomb_of(std::string_view batch_id, std::string_view submission) {
  const std::hash<std::string_view> hash;
  return hash(batch_id) * 0x9E3779B97F4A7C15ULL ^ hash(submission);
}
}  // namespace

void Tombs::put(std::string_view batch_id, std::string_view submission, Seq ended, Mono now) {
  const auto key = tomb_of(batch_id, submission);
  if (ended_.insert_or_assign(key, ended).second) order_.emplace_back(now, key);
}

std::optional<Seq> Tombs::find(std::string_view batch_id, std::string_view submission) const {
  const auto at = ended_.find(tomb_of(batch_id, submission));
  return at == ended_.end() ? std::nullopt : std::optional(at->second);
}

void Tombs::forget_old(Mono now) {
  while (!order_.empty() && (now - order_.front().first > seconds{7200} || order_.size() > 300'000)) {
    ended_.erase(order_.front().second);
    order_.pop_front();
  }
}

void Hour::roll(Mono now) {
  const std::int64_t to = now.ns / 60'000'000'000;
  const std::int64_t steps = std::min<std::int64_t>(to - minute, 60);
  for (std::int64_t i = 0; i < steps; ++i) {
    const auto at = static_cast<std::size_t>((to - i) % 60);
    done.at(at) = failed.at(at) = 0;
  }
  minute = std::max(minute, to);
}

void Hour::add(bool ok, Mono at) {
  roll(at);
  const std::int64_t bucket = at.ns / 60'000'000'000;
  if (minute - bucket < 60) ++(ok ? done : failed).at(static_cast<std::size_t>(bucket % 60));
}

std::int64_t Hour::sum_done() const {
  std::int64_t n = 0;
  for (auto x : done) n += x;
  return n;
}

std::int64_t Hour::sum_failed() const {
  std::int64_t n = 0;
  for (auto x : failed) n += x;
  return n;
}

void touch(FactoryState& s, std::uint32_t queue) {
  s.queues[queue].dirty = true;
  s.changed.insert(queue);
}

void touch_source(FactoryState& s, std::uint32_t source) {
  for (std::uint32_t i = 0; i < s.queues.size(); ++i)
    if (s.queues[i].batch == static_cast<int>(source)) touch(s, i);
}

void no_budget(FactoryState& s, std::uint32_t source) {
  for (auto& q : s.queues)
    if (q.batch == static_cast<int>(source)) q.budget = 0;
}

void save(FactoryState& s, std::uint32_t slot) { s.unsaved_slots.insert(slot); }

Pilot row(const FactoryState& s, const LivePilot& p) {
  Pilot r;
  r.no = p.no;
  r.batch_id = p.batch_id;
  r.submission = s.submissions[p.submission].row.id;
  r.queue = s.queues[p.queue].spec->name;
  r.batch = s.batches[p.source].name;
  r.index = p.index;
  r.run = p.run;
  r.state = p.state;
  r.missing = p.missing;
  r.exit_code = p.exit_code;
  r.submitted = p.submitted;
  r.started = p.started;
  r.payload_start = p.payload_start;
  r.payloads = p.payloads;
  r.node = s.texts.get(p.node);
  r.reason = s.texts.get(p.reason);
  r.rule = s.texts.get(p.rule);
  return r;
}

std::uint32_t add_pilot(FactoryState& s, std::uint32_t submission, const std::string& batch_id, std::uint32_t index,
                        Mono now, Wall shown) {
  LiveSubmission& sub = s.submissions[submission];
  const auto slot = free_slot(s);
  LivePilot& p = s.pilots[slot];
  p = LivePilot{};
  p.used = true;
  // One that was lost and comes back is another row of the ledger.
  p.no = index < sub.numbered && !sub.found.contains(index) ? sub.first_no + index : s.next_pilot++;
  p.batch_id = batch_id;
  p.queue = sub.queue;
  p.source = sub.source;
  p.submission = submission;
  p.index = index;
  p.run = sub.row.run;
  p.known = s.next_seq();
  p.submitted_at = now;
  p.submitted = shown;
  Queue& q = s.queues[p.queue];
  p.member = static_cast<std::uint32_t>(q.members.size());
  q.members.push_back(slot);
  s.batches[p.source].by_id.emplace(p.batch_id, slot);
  ++sub.live;
  count(s, p, +1);
  await_proof(q, slot, p, now);
  note(s, p, p.state, shown, -1, "");
  save(s, slot);
  touch(s, p.queue);
  return slot;
}

void set_state(FactoryState& s, std::uint32_t slot, PilotState to, Mono now, Wall shown) {
  LivePilot& p = s.pilots[slot];
  if (p.state == to) return;
  const bool starts = is_running(to) && p.started_at.ns == 0;
  const bool released = p.state == PilotState::held && to == PilotState::pending;
  Queue& q = s.queues[p.queue];
  count(s, p, -1);
  p.state = to;
  count(s, p, +1);
  if (starts || released) await_proof(q, slot, p, now);
  if (to == PilotState::held && p.hold != HoldKind::people) q.trial.held_at = now;
  if (starts) {
    p.started_at = now;
    if (p.started.ms == 0) p.started = shown;
    remember_claim(s, p);
    note_node(s, p, now);
  }
  note(s, p, to, shown, -1, s.texts.get(p.reason));
  save(s, slot);
  touch(s, p.queue);
}

void set_missing(FactoryState& s, std::uint32_t slot, bool missing, Mono now) {
  LivePilot& p = s.pilots[slot];
  if (p.missing == missing) return;
  count(s, p, -1);
  p.missing = missing;
  p.missing_views = 0;
  p.missing_since = now;
  count(s, p, +1);
  save(s, slot);
  touch(s, p.queue);
}

void end_pilot(FactoryState& s, std::uint32_t slot, const End& end, Mono now, Wall shown) {
  LivePilot& p = s.pilots[slot];
  Queue& q = s.queues[p.queue];
  count(s, p, -1);
  Pilot r = row(s, p);
  r.missing = false;
  r.lost = end.lost;
  r.state = end.state;
  if (end.exit_code >= 0) r.exit_code = end.exit_code;
  r.cpu_s = end.cpu_s;
  r.ended = end.ended.ms != 0 ? end.ended : shown;
  r.wall_s = believable(end.wall_s, r) ? end.wall_s : -1;
  if (r.started.ms == 0) r.started = end.started;
  if (!end.reason.empty()) r.reason = end.reason;
  const bool ok = end.state == PilotState::done && !end.lost && well(r.exit_code, q.spec->executable.empty());
  if (p.started_at.ns == 0) remember_claim(s, p);  // it was submitted for a job of this view all the same (R2)
  q.hour.add(ok, now);
  if (!end.lost) {
    const Mono started = p.started_at.ns != 0 ? p.started_at
                         : r.started.ms != 0  ? on_our_clock(r.started, now, shown)
                                              : Mono{};
    if (started.ns != 0) note_lived(q, started);
    remember_end(q, r, started, now);
    if (!p.judged && r.rule.empty()) {
      const float wall_s = started.ns != 0 ? ran_for(r) : -1.0F;
      note_outcome(s, p, {end.state, r.exit_code, r.payloads, wall_s, q.spec->executable.empty(), end.evicted}, started,
                   now, shown);
    }
  }
  ++(ok ? q.life.life_done : q.life.life_failed);
  if (!p.exiting()) ++q.budget;  // an exiting report was already taken as its end
  s.unsaved_queues.insert(p.queue);
  note(s, p, end.state, r.ended, r.exit_code, r.reason);
  s.unsaved_pilots[r.no] = std::move(r);
  s.unsaved_slots.erase(slot);

  BatchState& b = s.batches[p.source];
  b.by_id.erase(p.batch_id);
  if (!end.lost) b.tombs.put(p.batch_id, s.submissions[p.submission].row.id, s.next_seq(), now);
  const auto last = q.members.back();
  q.members[p.member] = last;
  s.pilots[last].member = p.member;
  q.members.pop_back();
  touch(s, p.queue);
  const auto sub = p.submission;
  p.used = false;
  s.free_pilots.push_back(slot);
  --s.submissions[sub].live;
  release_submission(s, sub);
}

}  // namespace apf::core
