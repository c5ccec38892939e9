// The submit path: planned -> durable -> sent -> answered -> settled (R8), and adoption of what is found.
#include <fmt/format.h>

#include <algorithm>

#include "core/holds.h"
#include "core/state.h"

namespace apf::core {
namespace {

std::string base36(std::uint64_t v) {
  std::string s;
  do {
    s.insert(s.begin(), "0123456789abcdefghijklmnopqrstuvwxyz"[v % 36]);
    v /= 36;
  } while (v != 0);
  return s;
}

std::uint32_t new_submission(FactoryState& s, Submission row, std::uint32_t queue, std::uint32_t source) {
  std::uint32_t at = 0;
  if (s.free_submissions.empty()) {
    at = static_cast<std::uint32_t>(s.submissions.size());
    s.submissions.emplace_back();
  } else {
    at = s.free_submissions.back();
    s.free_submissions.pop_back();
  }
  LiveSubmission& sub = s.submissions[at];
  sub = LiveSubmission{};
  sub.used = true;
  sub.queue = queue;
  sub.source = source;
  s.submission_by_id[row.id] = at;
  sub.row = std::move(row);
  return at;
}

void back_off(Queue& q, const Error& why, Mono now) {
  // 10 s, 20 s, 40 s ... 10 min: a refusing batch system is asked ever more rarely, and never given up
  q.refusals = std::min(q.refusals + 1, 7);
  q.backoff_until = now + seconds{std::min<std::int64_t>(std::int64_t{5} << q.refusals, 600)};
  q.refusal = why.text();
  q.refusal_code = why.code;
}

void save_submission(FactoryState& s, const LiveSubmission& sub) { s.unsaved_submissions[sub.row.id] = sub.row; }

// The pilots that an open submission stands for without being known one by one (they count as pending).
void set_open(FactoryState& s, std::uint32_t source, Queue& q, std::int64_t n) {
  s.total_open += n - q.open_n;
  s.batches[source].open += n - q.open_n;
  q.open_n = n;
}

}  // namespace

const char* name(SubmissionState state) {
  switch (state) {
    case SubmissionState::open: return "open";
    case SubmissionState::settled: return "settled";
    case SubmissionState::refused: return "refused";
    case SubmissionState::not_submitted: return "not_submitted";
  }
  return "open";
}

std::uint32_t plan_submission(FactoryState& s, std::uint32_t queue, std::int32_t n, Mono now, Wall shown) {
  Queue& q = s.queues[queue];
  Submission row;
  row.id = s.nonce + "-" + base36(s.next_submission++);
  row.queue = q.spec->name;
  row.batch = q.spec->batch;
  row.n = n;
  row.run = s.run;
  row.planned = shown;
  const auto at = new_submission(s, std::move(row), queue, static_cast<std::uint32_t>(q.batch));
  LiveSubmission& sub = s.submissions[at];
  sub.planned = true;
  sub.planned_at = now;
  sub.first_no = s.next_pilot;
  sub.numbered = static_cast<std::uint32_t>(n);
  s.next_pilot += sub.numbered;
  q.open = static_cast<int>(at);
  set_open(s, sub.source, q, n);
  q.used += n;
  q.budget -= n;
  BatchState& b = s.batches[sub.source];
  b.sent.insert(b.sent.end(), static_cast<std::size_t>(n), now);
  s.sent.insert(s.sent.end(), static_cast<std::size_t>(n), now);
  save_submission(s, sub);
  s.planned.push_back(at);
  touch(s, queue);
  return at;
}

std::uint32_t adopt_submission(FactoryState& s, const std::string& id, std::uint32_t queue, int source,
                               std::uint32_t run, Wall shown) {
  Submission row;
  row.id = id;
  row.queue = s.queues[queue].spec->name;
  row.batch = s.batches[static_cast<std::size_t>(source)].name;
  row.run = run;
  row.planned = shown;
  row.state = SubmissionState::settled;
  row.note = "adopted: found in the batch system, not in the ledger";
  const auto at = new_submission(s, std::move(row), queue, static_cast<std::uint32_t>(source));
  save_submission(s, s.submissions[at]);
  return at;
}

void note_found(FactoryState& s, std::uint32_t at, std::uint32_t index) {
  LiveSubmission& sub = s.submissions[at];
  if (!sub.found.insert(index).second) return;
  sub.row.got = static_cast<std::int32_t>(sub.found.size());
  sub.row.n = std::max(sub.row.n, sub.row.got);
  save_submission(s, sub);
  Queue& q = s.queues[sub.queue];
  if (q.open == static_cast<int>(at)) set_open(s, sub.source, q, std::max<std::int64_t>(0, q.open_n - 1));
}

void close_submission(FactoryState& s, std::uint32_t at, SubmissionState state, const std::string& note, Wall shown) {
  LiveSubmission& sub = s.submissions[at];
  sub.row.state = state;
  sub.row.note = note;
  sub.row.answered = shown;
  sub.in_flight = sub.planned = false;
  save_submission(s, sub);
  Queue& q = s.queues[sub.queue];
  if (q.open == static_cast<int>(at)) {
    q.open = -1;
    set_open(s, sub.source, q, 0);
    const std::int64_t not_made = sub.row.n - sub.row.got;
    q.used = std::max<std::int64_t>(0, q.used - not_made);
    q.budget += not_made;
  }
  if (sub.row.got > 0 && state == SubmissionState::settled) {
    q.life.life_submitted += sub.row.got;
    s.unsaved_queues.insert(sub.queue);
  }
  clear(s, "submission.uncertain", "queue:" + q.spec->name);
  touch(s, sub.queue);
  release_submission(s, at);
}

void release_submission(FactoryState& s, std::uint32_t at) {
  LiveSubmission& sub = s.submissions[at];
  if (!sub.used || sub.live > 0 || sub.row.state == SubmissionState::open) return;
  // A submission closed as not submitted stays reversible without being kept: a late pilot carries its id, queue and
  // run, and is adopted by them.
  s.submission_by_id.erase(sub.row.id);
  sub.used = false;
  s.free_submissions.push_back(at);
}

void on_answer(FactoryState& s, const SubmitAnswered& e, Mono now, Wall shown) {
  const auto found = s.submission_by_id.find(e.submission);
  if (found == s.submission_by_id.end()) return;  // settled meanwhile by the pilots that were found
  const auto at = found->second;
  LiveSubmission& sub = s.submissions[at];
  sub.in_flight = false;
  if (sub.row.state != SubmissionState::open) return;
  Queue& q = s.queues[sub.queue];
  const std::string subject = "queue:" + q.spec->name;
  if (!e.batch_ids) {
    const Error& err = e.batch_ids.error();
    if (err.kind == Kind::uncertain || err.kind == Kind::bug) {
      raise(s, "submission.uncertain", subject,
            fmt::format("submission {} of {} pilots got no answer ({}); it counts as pending until it is looked up",
                        sub.row.id, sub.row.n, err.text()),
            shown);
      s.batches[sub.source].next_find = Mono{0};
      touch(s, sub.queue);
      return;
    }
    back_off(q, err, now);
    const char* who = about_credential(err.code) ? "no pilots are submitted: " : "the batch system took no pilots: ";
    raise(s, "submission.refused", subject, who + err.text(), shown);
    close_submission(s, at, SubmissionState::refused, err.text(), shown);
    return;
  }
  auto& by_id = s.batches[sub.source].by_id;
  for (std::uint32_t i = 0; i < e.batch_ids->size(); ++i) {
    const std::string& id = e.batch_ids->at(i);
    if (id.empty() || by_id.contains(id) || sub.found.contains(i)) continue;  // a view was faster than the answer
    const auto slot = add_pilot(s, at, id, i, now, shown);
    s.pilots[slot].submitted_at = sub.planned_at;
    note_found(s, at, i);
  }
  if (!e.batch_ids->empty()) expect_events(s, sub.source, e.batch_ids->front(), now);
  q.refusals = 0;
  q.refusal.clear();
  q.refusal_code.clear();
  clear(s, "submission.refused", subject);
  const bool few = static_cast<std::int32_t>(e.batch_ids->size()) < sub.row.n;
  close_submission(s, at, SubmissionState::settled, few ? "the batch system took fewer than asked for" : "", shown);
}

void on_find(FactoryState& s, const FindAnswered& e, Mono now, Wall shown) {
  const int source = batch_named(s, e.batch);
  BatchState& b = s.batches[static_cast<std::size_t>(source)];
  b.finding = false;
  if (!e.view || !e.view->complete) {
    b.next_find = now + seconds{10};
    return;
  }
  for (const auto& row : e.view->data) apply_seen(s, static_cast<std::uint32_t>(source), row, e.asked, now, shown);
  std::unordered_set<std::string_view> shown_ids;
  for (const auto& row : e.view->data) shown_ids.insert(row.batch_id);
  // given up after a look-up by id that truly answered: when missing for long (R4), or when a canary has shown that the
  // view which lacks them is right otherwise (R5)
  const std::set<std::uint32_t> absent(b.absent.begin(), b.probe_absent ? b.absent.end() : b.absent.begin());
  for (const auto& id : e.submissions) {
    const auto found = s.submission_by_id.find(id);
    if (found == s.submission_by_id.end()) continue;
    const auto at = found->second;
    const auto members = s.queues[s.submissions[at].queue].members;
    for (const auto slot : members) {
      LivePilot& p = s.pilots[slot];
      if (!p.used || p.submission != at || p.known > e.asked || shown_ids.contains(p.batch_id)) continue;
      if (!p.missing && (!absent.contains(slot) || p.fact > e.asked)) continue;
      End end;
      end.state = PilotState::failed;
      end.lost = true;
      end.reason = "lost: neither in the batch system's queue nor in its history";
      end_pilot(s, slot, end, now, shown);
    }
    LiveSubmission& sub = s.submissions[at];
    if (!sub.used || sub.row.state != SubmissionState::open || sub.in_flight || sub.planned) continue;
    if (sub.row.got >= sub.row.n) {
      close_submission(s, at, SubmissionState::settled, "settled: all found", shown);
    } else if (sub.looks == 0) {
      sub.looks = 1;
      sub.first_look = now;
    } else if (now - sub.first_look >= b.spec.settle_wait) {
      const auto got = sub.row.got;
      close_submission(s, at, got > 0 ? SubmissionState::settled : SubmissionState::not_submitted,
                       fmt::format("settled by two look-ups: {} of {} found", got, sub.row.n), shown);
    }
  }
}

// Open submissions without a call under way, and pilots that have been missing long enough, are looked up by id.
void look_up(FactoryState& s, Mono now, std::vector<Effect>& out) {
  for (std::uint32_t i = 0; i < s.batches.size(); ++i) {
    BatchState& b = s.batches[i];
    if (b.finding || now < b.next_find) continue;
    FindPilots find{b.name, {}, {}};
    std::set<std::uint32_t> due;
    Mono next = now + seconds{10};
    for (std::uint32_t at = 0; at < s.submissions.size(); ++at) {
      const LiveSubmission& sub = s.submissions[at];
      if (!sub.used || sub.source != i || sub.row.state != SubmissionState::open || sub.in_flight || sub.planned)
        continue;
      const Mono second = sub.first_look + b.spec.settle_wait;
      if (sub.looks == 0 || now >= second)
        due.insert(at);
      else
        next = std::min(next, second);
    }
    for (const auto slot : b.absent)
      if (b.probe_absent && s.pilots[slot].used && s.pilots[slot].source == i) due.insert(s.pilots[slot].submission);
    if (b.missing > 0)
      for (const auto& [id, slot] : b.by_id) {
        const LivePilot& p = s.pilots[slot];
        if (p.missing && p.missing_views >= 3 && now - p.missing_since >= seconds{600}) due.insert(p.submission);
      }
    b.next_find = next;
    if (due.empty()) continue;
    for (const auto at : due) {
      if (find.submissions.size() >= 200) break;  // one command line; the rest comes next
      find.submissions.push_back(s.submissions[at].row.id);
    }
    find.asked = s.next_seq();
    b.finding = true;
    out.emplace_back(std::move(find));
  }
}

}  // namespace apf::core
