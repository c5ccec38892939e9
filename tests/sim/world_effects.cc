// What the world does with each effect of the factory, and when it answers.
#include <algorithm>

#include "sim/world.h"

namespace apf::sim {

void World::perform(const core::Journal& e) { decisions_.push_back(e.decision); }
void World::perform(const core::AlarmChanged& e) { alarms_.push_back(e); }
void World::perform(const core::Tell& /*e*/) {}

void World::perform(const core::PollWms& effect) {
  later(milliseconds{100}, [this, e = effect, asked = now_] {
    if (!boundary_passed()) return;
    Result<View<DemandData>> view = tables();
    if (wms_down) view = fail(Kind::transient, "sim.down", "connection refused");
    if (demand_fault) demand_fault(view);
    deliver(core::DemandSeen{e.wms, e.asked, asked, std::move(view), false});
  });
}

void World::perform(const core::AvoidNodes& effect) {
  later(milliseconds{200}, [this, e = effect] {
    if (!boundary_passed()) return;
    std::int64_t told = 0;
    for (auto& [id, p] : pilots_)
      if (p.seen.queue == e.queue && p.seen.state == PilotState::pending) {
        p.avoid = e.nodes;
        ++told;
      }
    deliver(core::AvoidAnswered{e.queue, told});
  });
}

void World::perform(const core::PollBatch& effect) {
  Result<View<BatchData>> view = list(effect.cursor);
  if (view_fault) view = view_fault(std::move(view));
  later(milliseconds{300} + view_delay, [this, e = effect, asked = now_, view = std::move(view)] {
    if (boundary_passed()) deliver(core::BatchSeen{e.batch, e.asked, asked, view});
  });
}

void World::perform(const core::FollowBatch& e) { follow(e, seconds{10}); }

void World::perform(const core::FindPilots& effect) {
  View<std::vector<PilotSeen>> view;
  view.complete = true;
  const auto wanted = [&](const PilotSeen& p) {
    return std::find(effect.submissions.begin(), effect.submissions.end(), p.submission) != effect.submissions.end();
  };
  for (const auto& [id, p] : pilots_)
    if (wanted(p.seen)) view.data.push_back(p.seen);
  for (const auto& p : history_)
    if (wanted(p)) view.data.push_back(p);
  later(milliseconds{300}, [this, e = effect, asked = now_, view] {
    if (boundary_passed()) deliver(core::FindAnswered{e.batch, e.asked, asked, e.submissions, view});
  });
}

void World::perform(const core::RemovePilots& effect) {
  later(milliseconds{100}, [this, e = effect] {
    if (!boundary_passed()) return;
    for (const auto& r : e.removals) {
      const auto at = pilots_.find(r.batch_id);
      if (at == pilots_.end()) continue;
      if (std::find(e.only_in.begin(), e.only_in.end(), at->second.seen.state) == e.only_in.end()) continue;
      ++removed_;
      end_pilot(r.batch_id, PilotState::removed, -1);
    }
    deliver(core::RemoveAnswered{e.batch, e.pilots, std::int64_t(e.removals.size())});
  });
}

void World::perform(const core::Wake& e) {
  wake_ = e.at;
  if (e.at == core::kNever) return;
  later(std::max<Duration>(e.at - now_, milliseconds{1}), [this, at = e.at] {
    if (wake_ == at && !pass_planned_) pass();
  });
}

void World::perform(const core::Commit& effect) {
  later(milliseconds{5}, [this, batch = effect.batch] {
    if (!boundary_passed()) return;
    core::CommitDone done{batch->pass, std::nullopt};
    if (refuse_commits) {
      done.error = Error{Kind::transient, "store.full", "no space left on device", "ledger.db", ""};
      waiting_for_commit_.clear();
      return deliver(done);
    }
    for (const auto& p : batch->pilots) stored_pilots_[p.no] = p;
    for (const auto& sub : batch->submissions) stored_submissions_[sub.id] = sub;
    stored_.seq = batch->seq;
    stored_.next_pilot = batch->next_pilot;
    stored_.fresh = false;
    if (batch->holds_changed) stored_.holds = batch->holds;
    for (const auto& c : batch->cursors) {
      std::erase_if(stored_.cursors, [&](const auto& old) { return old.first == c.first; });
      stored_.cursors.push_back(c);
    }
    for (const auto& q : batch->queues) {
      std::erase_if(stored_.queues, [&](const auto& r) { return r.name == q.name; });
      stored_.queues.push_back(q);
    }
    if (!boundary_passed()) return;  // killed after the commit, before anything that waited for it
    deliver(done);
    for (const auto& e : std::exchange(waiting_for_commit_, {})) run(e);
  });
}

void World::perform(const core::SubmitPilots& e) {
  later(milliseconds{50}, [this, e] {
    if (!boundary_passed()) return;  // killed before the batch system heard of it
    std::vector<std::string> ids;
    const auto cluster = next_cluster_++;
    ++copies_[e.submission];
    for (int i = 0; i < e.n; ++i) {
      SimPilot p;
      p.seen.batch_id = std::to_string(cluster) + "." + std::to_string(i);
      p.seen.submission = e.submission;
      p.seen.queue = e.queue->name;
      p.seen.index = static_cast<std::uint32_t>(i);
      p.seen.run = run_;
      p.seen.state = hold_new ? PilotState::held : PilotState::pending;
      if (hold_new) p.seen.hold = hold_kind;
      p.seen.submitted = wall();
      p.avoid = e.avoid_nodes;
      p.bad_release = bad_release;
      ids.push_back(p.seen.batch_id);
      events_.push_back(p.seen);
      fifo_[p.seen.queue].push_back(p.seen.batch_id);
      const auto jitter = std::uniform_int_distribution<std::int64_t>(0, scenario_.site.start_latency.count())(chance_);
      later(
          scenario_.site.start_latency + Duration{jitter}, [this, queue = p.seen.queue] { start_pilot(queue); }, false);
      pilots_[p.seen.batch_id] = std::move(p);
      ++submitted_;
    }
    if (!boundary_passed()) return;  // killed with the pilots in the batch system and no answer
    Result<std::vector<std::string>> answer = ids;
    if (lose_answer && lose_answer(e)) answer = fail(Kind::uncertain, "sim.no_answer", "the client timed out");
    later(milliseconds{50}, [this, id = e.submission, answer] {
      if (boundary_passed()) deliver(core::SubmitAnswered{id, answer});
    });
  });
}

// While new pilots are held, those that are released are held again.
void World::perform(const core::ReleasePilots& effect) {
  later(milliseconds{100}, [this, e = effect] {
    if (!boundary_passed()) return;
    for (const auto& r : e.pilots) {
      const auto at = pilots_.find(r.batch_id);
      if (at == pilots_.end() || at->second.seen.state != PilotState::held) continue;
      ++released;
      if (hold_new) continue;
      PilotSeen& seen = at->second.seen;
      seen.state = PilotState::pending;
      seen.hold = HoldKind::none;
      events_.push_back(seen);
      fifo_[seen.queue].push_back(seen.batch_id);
      later(scenario_.site.start_latency, [this, queue = seen.queue] { start_pilot(queue); }, false);
    }
  });
}

// Answers within 20 ms of an event, and when nothing happens at the end of its patience.
void World::follow(const core::FollowBatch& call, Duration patience) {
  const auto answer = [this, &call](Result<View<FeedData>> view) {
    deliver(core::EventsSeen{call.batch, std::move(view)});
  };
  if (!scenario_.events) return answer(fail(Kind::config, "batch.no_feed", "no events here"));
  later(patience == seconds{10} ? milliseconds{20} : milliseconds{100}, [this, call, patience] {
    if (!boundary_passed()) return;
    const auto from = call.cursor.empty() ? events_.size() : static_cast<std::size_t>(std::stoull(call.cursor));
    const bool news = !mute && events_.size() > from;
    if (deaf && patience.count() <= 0)
      return deliver(core::EventsSeen{call.batch, fail(Kind::transient, "sim.deaf", "the event log can't be read")});
    if (!news && !call.cursor.empty() && patience.count() > 0) return follow(call, patience - milliseconds{100});
    View<FeedData> view;
    view.evidence = "simulated event log";
    if (from < events_lost_) view.data.gap = "the simulation lost some";
    if (!mute)
      view.data.seen.assign(events_.begin() + static_cast<std::ptrdiff_t>(std::max(from, events_lost_)), events_.end());
    view.cursor = std::to_string(events_.size());
    deliver(core::EventsSeen{call.batch, std::move(view)});
  });
}

void World::lose_events() { events_lost_ = events_.size(); }

}  // namespace apf::sim
