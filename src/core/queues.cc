// Names become numbers: queues and sources from the configuration, from the ledger, and from what is found outside.
#include <algorithm>

#include "core/state.h"

namespace apf::core {
namespace {

int wms_index(const FactoryState& s, const std::string& name) {
  for (std::size_t i = 0; i < s.wmses.size(); ++i)
    if (s.wmses[i].name == name) return static_cast<int>(i);
  return -1;
}

void configure_sources(FactoryState& s, const Config& config) {
  for (auto& w : s.wmses) w.gone = true;
  for (const auto& spec : config.wms) {
    int at = wms_index(s, spec.name);
    if (at < 0) {
      at = static_cast<int>(s.wmses.size());
      s.wmses.emplace_back().name = spec.name;
    }
    WmsState& w = s.wmses[static_cast<std::size_t>(at)];
    if (!(w.spec == spec)) w.next_poll = Mono{0};
    w.spec = spec;
    w.gone = false;
  }
  for (auto& b : s.batches) b.gone = true;
  for (const auto& spec : config.batch) {
    BatchState& b = s.batches[static_cast<std::size_t>(batch_named(s, spec.name))];
    if (!(b.spec == spec)) b.next_poll = b.feed.next = Mono{0};
    b.spec = spec;
    b.gone = false;
  }
}

// renamed_from hands the pilots of a queue that is gone to its new name (R14).
void take_over(FactoryState& s, std::uint32_t to, const std::string& from_name) {
  const auto found = s.queue_by_name.find(from_name);
  if (found == s.queue_by_name.end() || found->second == to || !s.queues[found->second].gone) return;
  Queue& from = s.queues[found->second];
  Queue& q = s.queues[to];
  for (const auto slot : from.members) {
    LivePilot& p = s.pilots[slot];
    p.queue = to;
    p.member = static_cast<std::uint32_t>(q.members.size());
    q.members.push_back(slot);
    save(s, slot);
  }
  for (auto& u : from.trial.unproven) q.trial.unproven.push_back(u);
  q.trial.lived_at = std::max(q.trial.lived_at, from.trial.lived_at);
  q.trial.held_at = std::max(q.trial.held_at, from.trial.held_at);
  for (std::size_t i = 0; i < q.counts.live.size(); ++i) q.counts.live.at(i) += from.counts.live.at(i);
  q.counts.missing += from.counts.missing;
  q.claims.insert(q.claims.end(), from.claims.begin(), from.claims.end());
  std::sort(q.claims.begin(), q.claims.end(), [](const Claim& a, const Claim& b) { return a.pilot < b.pilot; });
  q.life.life_submitted += from.life.life_submitted;
  q.life.life_done += from.life.life_done;
  q.life.life_failed += from.life.life_failed;
  for (auto& sub : s.submissions)
    if (sub.used && sub.queue == found->second) {
      sub.queue = to;
      sub.row.queue = q.spec->name;
      s.unsaved_submissions[sub.row.id] = sub.row;
    }
  if (q.open < 0) {
    q.open = from.open;
    q.open_n = from.open_n;
    from.open = -1;
    from.open_n = 0;
  }
  from.members.clear();
  from.counts = Counts{};
  from.claims.clear();
  from.trial = Trial{};
  from.life = QueueRecord{from.life.name};
  s.unsaved_queues.insert(to);
  s.unsaved_queues.insert(found->second);
  touch(s, found->second);
  touch(s, to);
}

void restore_pilot(FactoryState& s, const Pilot& r, Mono now, Wall shown) {
  const auto sub = s.submission_by_id.find(r.submission);
  const auto source = static_cast<std::size_t>(batch_named(s, r.batch));
  if (ended(r.state) || r.lost || sub == s.submission_by_id.end() || s.batches[source].by_id.contains(r.batch_id))
    return;
  const auto slot = add_pilot(s, sub->second, r.batch_id, r.index, now, shown);
  LivePilot& p = s.pilots[slot];
  const auto mono = [&](Wall w) { return w.ms == 0 ? Mono{} : on_our_clock(w, now, shown); };
  p.no = r.no;
  p.run = r.run;
  p.submitted = r.submitted;
  p.submitted_at = mono(r.submitted);
  Unproven& trial = s.queues[p.queue].trial.unproven.back();
  trial.no = p.no;
  trial.since = p.submitted_at;
  p.started = r.started;
  p.node = s.texts.put(r.node);
  if (r.started.ms != 0) note_node(s, p, now);
  p.reason = s.texts.put(r.reason);
  p.rule = s.texts.put(r.rule);
  p.exit_code = r.exit_code;
  p.payloads = r.payloads;
  p.known = Seq{0};
  set_state(s, slot, r.state, r.started.ms != 0 ? mono(r.started) : now, shown);
  if (r.payload_start.ms != 0) {
    p.payload_told = p.started_told = true;
    p.payload_start = r.payload_start;
    p.payload_at = mono(r.payload_start);
    if (auto& claims = s.queues[p.queue].claims; !claims.empty() && claims.back().pilot == p.no)
      claims.back().payload_at = p.payload_at;
  }
  set_missing(s, slot, r.missing, now);
}

void restore_submission(FactoryState& s, const Submission& row) {
  const int source = batch_named(s, row.batch);
  const auto queue = queue_named(s, row.queue, row.batch);
  const auto at = static_cast<std::uint32_t>(s.submissions.size());
  LiveSubmission& sub = s.submissions.emplace_back();
  sub.row = row;
  sub.used = true;
  sub.queue = queue;
  sub.source = static_cast<std::uint32_t>(source);
  s.submission_by_id[row.id] = at;
  if (row.state != SubmissionState::open) return;
  // planned and sent look the same now: it may have taken effect, so it is open until it is looked up (R8)
  Queue& q = s.queues[queue];
  q.open = static_cast<int>(at);
  q.open_n = row.n;
  s.total_open += row.n;
  s.batches[sub.source].open += row.n;
}

void recall_life(FactoryState& s, Queue& q, const std::string& name) {
  const auto at = s.other_lives.find(name);
  if (at != s.other_lives.end()) {
    q.life = at->second;
    s.other_lives.erase(at);
  }
  q.life.name = name;
}

void regroup(FactoryState& s) {
  std::map<std::pair<int, std::string>, int> index;
  s.groups.clear();
  for (std::uint32_t i = 0; i < s.queues.size(); ++i) {
    Queue& q = s.queues[i];
    q.group = -1;
    if (q.wms < 0) continue;
    const auto [at, fresh] = index.try_emplace({q.wms, q.spec->wms_queue}, static_cast<int>(s.groups.size()));
    if (fresh) s.groups.emplace_back();
    q.group = at->second;
    s.groups[static_cast<std::size_t>(at->second)].push_back(i);
  }
}

}  // namespace

int batch_named(FactoryState& s, const std::string& name) {
  for (std::size_t i = 0; i < s.batches.size(); ++i)
    if (s.batches[i].name == name) return static_cast<int>(i);
  BatchState& b = s.batches.emplace_back();
  b.name = name;
  b.gone = true;
  return static_cast<int>(s.batches.size() - 1);
}

std::uint32_t queue_named(FactoryState& s, const std::string& name, const std::string& batch) {
  if (const auto at = s.queue_by_name.find(name); at != s.queue_by_name.end()) return at->second;
  for (std::uint32_t i = 0; i < s.queues.size(); ++i)
    if (!s.queues[i].gone && s.queues[i].spec->renamed_from == name) return i;
  auto spec = std::make_shared<QueueSpec>();
  spec->name = name;
  spec->batch = batch;
  const auto at = static_cast<std::uint32_t>(s.queues.size());
  Queue& q = s.queues.emplace_back();
  q.spec = std::move(spec);
  q.gone = true;
  q.batch = batch_named(s, batch);
  recall_life(s, q, name);
  s.queue_by_name[name] = at;
  touch(s, at);
  return at;
}

void configure(FactoryState& s, const ActiveConfig& active, Mono now) {
  s.active = active;
  const Config& config = *active.config;
  configure_sources(s, config);
  for (auto& q : s.queues) q.gone = true;
  for (std::size_t i = 0; i < config.queues.size(); ++i) {
    const auto& spec = config.queues[i];
    const auto [at, fresh] = s.queue_by_name.try_emplace(spec->name, static_cast<std::uint32_t>(s.queues.size()));
    if (fresh) {
      s.queues.emplace_back().cycle_start = now;
      recall_life(s, s.queues.back(), spec->name);
    }
    Queue& q = s.queues[at->second];
    // a queue that moves to another batch system keeps its old pilots there: they stand in their own source
    q.spec = spec;
    q.chain = active.chains[i];
    q.health.chooses_nodes = i < active.chooses_nodes.size() && active.chooses_nodes[i];
    q.gone = false;
    q.wms = spec->wms.empty() ? -1 : wms_index(s, spec->wms);
    q.batch = batch_named(s, spec->batch);
    touch(s, at->second);
  }
  for (const auto& spec : config.queues)
    if (!spec->renamed_from.empty()) take_over(s, s.queue_by_name.at(spec->name), spec->renamed_from);
  for (std::uint32_t i = 0; i < s.queues.size(); ++i)
    if (s.queues[i].gone) touch(s, i);
  regroup(s);
  for (auto& w : s.wmses)
    if (!w.polling) w.next_poll = std::min(w.next_poll, now);  // new queues want their demand now
}

void start(FactoryState& s, const Started& e, Mono now, Wall shown) {
  s.run = e.run;
  s.nonce = e.nonce;
  s.started = shown;
  s.doubt = e.ledger.doubt;
  s.seq = e.ledger.seq;
  configure(s, e.active, now);
  for (const auto& r : e.ledger.queues) {
    const auto at = s.queue_by_name.find(r.name);
    if (at != s.queue_by_name.end())
      s.queues[at->second].life = r;
    else
      s.other_lives[r.name] = r;
  }
  for (const auto& row : e.ledger.submissions) restore_submission(s, row);
  s.next_pilot = e.ledger.next_pilot;
  for (const auto& r : e.ledger.pilots) restore_pilot(s, r, now, shown);
  for (const auto& r : e.ledger.pilots)
    if (const auto sub = s.submission_by_id.find(r.submission); sub != s.submission_by_id.end())
      s.submissions[sub->second].found.insert(r.index);  // ends that the history tells again are known
  for (const auto& r : e.ledger.pilots)
    if (ended(r.state) && !r.lost)
      s.batches[static_cast<std::size_t>(batch_named(s, r.batch))].tombs.put(r.batch_id, r.submission, Seq{s.seq}, now);
  for (const auto& r : e.ledger.pilots)
    if (ended(r.state) && r.ended.ms != 0 && shown.ms - r.ended.ms < 3'600'000) {
      const auto at = s.queue_by_name.find(r.queue);
      if (at == s.queue_by_name.end()) continue;
      const bool ok =
          r.state == PilotState::done && !r.lost && well(r.exit_code, s.queues[at->second].spec->executable.empty());
      if (r.started.ms != 0 && !r.lost) note_lived(s.queues[at->second], on_our_clock(r.started, now, shown));
      s.queues[at->second].hour.add(ok, on_our_clock(r.ended, now, shown));
    }
  restore_ends(s, e.ledger.pilots, now, shown);
  s.next_pilot = std::max(s.next_pilot, e.ledger.next_pilot);
  for (std::uint32_t at = 0; at < s.submissions.size(); ++at) release_submission(s, at);
  const auto batch = [&](const std::string& key) -> BatchState& {
    return s.batches[static_cast<std::size_t>(batch_named(s, key.substr(key.find(':') + 1)))];
  };
  for (const auto& [key, cursor] : e.ledger.cursors) {
    if (key.starts_with("batch:")) batch(key).cursor = cursor;
    if (key.starts_with("feed:")) batch(key).feed.cursor = cursor;
    if (!key.starts_with("nodes:")) continue;
    if (const auto at = s.queue_by_name.find(key.substr(6)); at != s.queue_by_name.end())
      restore_nodes(s, s.queues[at->second], cursor, now);
  }
  s.holds = e.ledger.holds;
  if (e.ledger.fresh)
    for (auto& b : s.batches) b.adopt_all = true;
  // what was read is what is stored
  s.unsaved_slots.clear();
  s.unsaved_submissions.clear();
  s.unsaved_queues.clear();
  s.notes = {};
}

}  // namespace apf::core
