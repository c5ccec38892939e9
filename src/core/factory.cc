// on(): every event finds its function; Pass ties them together.
#include "core/factory.h"

#include <algorithm>

#include "core/sources.h"
#include "core/state.h"

namespace apf::core {
namespace {

void on_commit(FactoryState& s, const CommitDone& e, Mono now, Wall shown) {
  if (!s.committing || s.committing->pass != e.pass) return;
  const auto batch = std::move(s.committing);
  s.committing.reset();
  const auto planned = std::exchange(s.planned, {});
  const auto removing = std::exchange(s.removals_waiting, {});
  if (!e.error) {
    s.ledger_trouble.clear();
    clear(s, "ledger.failing", "ledger");
    for (const auto at : planned) {
      s.submissions[at].planned = false;
      s.submissions[at].in_flight = true;
    }
    return;
  }
  // Nothing of it is stored and nothing that depended on it was done: the rows come again with the next commit.
  s.ledger_trouble = e.error->text();
  s.ledger_retry = now + seconds{5};
  raise(s, "ledger.failing", "ledger", "the ledger can't be written: " + s.ledger_trouble, shown);
  for (const auto& r : batch->pilots) s.unsaved_pilots.try_emplace(r.no, r);
  for (const auto& r : batch->submissions) s.unsaved_submissions.try_emplace(r.id, r);
  for (const auto& r : batch->queues)
    if (const auto at = s.queue_by_name.find(r.name); at != s.queue_by_name.end()) s.unsaved_queues.insert(at->second);
  for (const auto& [key, cursor] : batch->cursors) s.unsaved_cursors.try_emplace(key, cursor);
  s.unsaved_holds = s.unsaved_holds || batch->holds_changed;
  for (const auto at : planned) {
    s.queues[s.submissions[at].queue].last.reset();
    close_submission(s, at, SubmissionState::refused, "the ledger could not be written, nothing was sent", shown);
  }
  const std::unordered_set<std::uint64_t> numbers(removing.begin(), removing.end());
  if (!numbers.empty())
    for (auto& p : s.pilots)
      if (p.used && numbers.contains(p.no)) p.removing_at = Mono{};
  for (std::uint32_t i = 0; i < s.queues.size(); ++i) touch(s, i);
}

void on_verb(FactoryState& s, const Verb& e) {
  std::erase_if(s.holds, [&](const Hold& h) {
    const bool same_verb = h.verb == e.hold.verb || (e.lift && e.hold.verb.empty());
    return same_verb && h.scope == e.hold.scope;
  });
  if (!e.lift) s.holds.push_back(e.hold);
  s.unsaved_holds = true;
  for (std::uint32_t i = 0; i < s.queues.size(); ++i) touch(s, i);
}

void expire_holds(FactoryState& s, Wall shown) {
  const auto gone = std::erase_if(s.holds, [&](const Hold& h) { return h.until.ms != 0 && h.until <= shown; });
  if (gone == 0) return;
  s.unsaved_holds = true;
  for (std::uint32_t i = 0; i < s.queues.size(); ++i) touch(s, i);
}

void on_host(FactoryState& s, const HostSeen& e, Wall shown) {
  const auto& f = s.active.config->factory;
  const auto low = [&](const HostSeen& h) {
    return h.free_disk < f.min_free_disk || h.free_memory < f.min_free_memory || h.free_inodes < 1000;
  };
  const bool was = s.host && low(*s.host);
  s.host = e;
  if (low(e))
    raise(s, "host.low", "host", "the submit host is low on disk, memory or inodes; nothing is submitted", shown);
  else
    clear(s, "host.low", "host");
  if (was != low(e))
    for (std::uint32_t i = 0; i < s.queues.size(); ++i) touch(s, i);
}

void accept_view(FactoryState& s, const AcceptView& e) {
  for (auto& b : s.batches)
    if (b.name == e.batch) {
      b.accept_next = true;
      b.next_poll = Mono{0};
    }
}

void adopt(FactoryState& s) {
  s.doubt.clear();
  for (auto& b : s.batches) {
    b.adopt_all = true;
    b.foreign.clear();
    b.view_at = Mono{};  // nothing is submitted before a view has shown them all
    b.next_poll = Mono{0};
    clear(s, "identity.foreign", "batch:" + b.name);
  }
}

void roll_hours(FactoryState& s, Mono now) {
  if (now - s.hour_rolled < seconds{60}) return;
  s.hour_rolled = now;
  for (std::uint32_t i = 0; i < s.queues.size(); ++i) {
    Hour& h = s.queues[i].hour;
    if (h.sum_done() + h.sum_failed() == 0) continue;
    h.roll(now);
    s.changed.insert(i);
  }
}

bool anything_unsaved(const FactoryState& s) {
  return !s.unsaved_pilots.empty() || !s.unsaved_slots.empty() || !s.unsaved_submissions.empty() ||
         !s.unsaved_queues.empty() || !s.unsaved_cursors.empty() || s.unsaved_holds;
}

std::shared_ptr<const LedgerBatch> make_batch(FactoryState& s) {
  auto b = std::make_shared<LedgerBatch>();
  b->pass = s.passes;
  b->full_sync = !s.planned.empty() || !s.removals_waiting.empty() || s.unsaved_holds;
  b->seq = s.seq;
  b->next_pilot = s.next_pilot;
  for (const auto slot : s.unsaved_slots)
    if (s.pilots[slot].used) s.unsaved_pilots[s.pilots[slot].no] = row(s, s.pilots[slot]);
  for (auto& [no, r] : s.unsaved_pilots) b->pilots.push_back(std::move(r));
  for (auto& [id, r] : s.unsaved_submissions) b->submissions.push_back(std::move(r));
  for (const auto at : s.unsaved_queues) b->queues.push_back(s.queues[at].life);
  b->holds_changed = s.unsaved_holds;
  if (s.unsaved_holds) b->holds = s.holds;
  for (auto& [key, cursor] : s.unsaved_cursors) b->cursors.emplace_back(key, std::move(cursor));
  s.unsaved_slots.clear();
  s.unsaved_pilots.clear();
  s.unsaved_submissions.clear();
  s.unsaved_queues.clear();
  s.unsaved_cursors.clear();
  s.unsaved_holds = false;
  return b;
}

Mono next_wake(const FactoryState& s, Mono now) {
  Mono at = std::min({next_poll(s), next_follow(s), now + seconds{60}});  // once a minute the hour's counts roll
  if (s.committing) return at;  // decisions wait for the commit's end, which is an event
  for (const auto& q : s.queues) at = std::min(at, q.dirty ? now : q.next_decide);
  if (!s.ledger_trouble.empty()) at = std::min(at, std::max(s.ledger_retry, now));
  return at;
}

std::vector<Effect> pass(FactoryState& s, Mono now, Wall shown) {
  std::vector<Effect> out;
  ++s.passes;
  expire_holds(s, shown);
  roll_hours(s, now);
  forget_texts(s);
  watch_feeds(s, now);
  if (!s.committing) {
    remove_asked(s, now, out);
    drain(s, now, shown, out);
    sanitise(s, now, shown, out);
    decide_all(s, now, shown, out);
    if (anything_unsaved(s) && (s.ledger_trouble.empty() || now >= s.ledger_retry)) {
      s.committing = make_batch(s);
      out.insert(out.begin(), Commit{s.committing});
    }
  }
  if (!s.stopping) look_up(s, now, out);
  poll(s, now, out);
  follow(s, now, out);
  if (!s.notes.pilots.empty() || !s.notes.queues.empty()) out.emplace_back(std::exchange(s.notes, {}));
  for (auto& change : s.alarm_changes) out.emplace_back(std::move(change));
  s.alarm_changes.clear();
  out.emplace_back(Wake{next_wake(s, now)});
  return out;
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

void StateDeleter::operator()(FactoryState* state) const { delete state; }
StatePtr make_state() { return StatePtr(new FactoryState); }

std::vector<Effect> on(FactoryState& s, const Event& event, Mono now, Wall shown) {
  return std::visit(
      Overloaded{
          [&](const Started& e) {
            start(s, e, now, shown);
            return std::vector<Effect>{};
          },
          [&](const ConfigChanged& e) {
            configure(s, e.active, now);
            return std::vector<Effect>{};
          },
          [&](const DemandSeen& e) {
            on_demand_view(s, e, now, shown);
            return std::vector<Effect>{};
          },
          [&](const BatchSeen& e) {
            on_batch_view(s, e, now, shown);
            return std::vector<Effect>{};
          },
          [&](const EventsSeen& e) {
            on_events(s, e, now, shown);
            return std::vector<Effect>{};
          },
          [&](const SubmitAnswered& e) {
            on_answer(s, e, now, shown);
            return std::vector<Effect>{};
          },
          [&](const FindAnswered& e) {
            on_find(s, e, now, shown);
            return std::vector<Effect>{};
          },
          [&](const RemoveAnswered& e) {
            on_removed(s, e, now);
            return std::vector<Effect>{};
          },
          [&](const AvoidAnswered& e) {
            on_avoided(s, e, now);
            return std::vector<Effect>{};
          },
          [&](const PilotReported& e) {
            on_report(s, e, now, shown);
            return std::vector<Effect>{};
          },
          [&](const CommitDone& e) {
            on_commit(s, e, now, shown);
            return std::vector<Effect>{};
          },
          [&](const HostSeen& e) {
            on_host(s, e, shown);
            return std::vector<Effect>{};
          },
          [&](const Verb& e) {
            on_verb(s, e);
            return std::vector<Effect>{};
          },
          [&](const RemoveAsked& e) {
            s.removals_asked.push_back({e.pilots, "removed by " + e.who + (e.reason.empty() ? "" : ": " + e.reason)});
            return std::vector<Effect>{};
          },
          [&](const AcceptView& e) {
            accept_view(s, e);
            return std::vector<Effect>{};
          },
          [&](const Adopt&) {
            adopt(s);
            return std::vector<Effect>{};
          },
          [&](const Stopping&) {
            s.stopping = true;
            for (std::uint32_t i = 0; i < s.queues.size(); ++i) touch(s, i);
            return std::vector<Effect>{};
          },
          [&](const Pass&) { return pass(s, now, shown); },
      },
      event);
}

}  // namespace apf::core
