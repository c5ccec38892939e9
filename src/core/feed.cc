// The feed of events: what a batch system tells by itself (R4, R5, R15). While a feed is current, the ledger is right
// without any view; a view that contradicts it is in doubt, not the ledger.
#include <fmt/format.h>

#include <algorithm>

#include "core/sources.h"
#include "core/state.h"

namespace apf::core {
namespace {

// The shell's call of follow() returns within 10 s even when nothing happens: silence beyond this is no news.
constexpr Duration kSilent = seconds{60};
// An acknowledged submission shows in the feed within this time, or the feed tells of something else.
constexpr Duration kWitness = seconds{60};

// A pilot that the batch system knows and we did not: only a view may adopt a whole submission.
bool known_here(const FactoryState& s, const BatchState& b, const PilotSeen& row) {
  if (b.by_id.contains(row.batch_id)) return true;
  const auto sub = s.submission_by_id.find(row.submission);
  return sub != s.submission_by_id.end() && !s.submissions[sub->second].found.contains(row.index);
}

void apply(FactoryState& s, std::uint32_t source, const PilotSeen& row, Seq seq, Mono now, Wall shown) {
  BatchState& b = s.batches[source];
  if (b.foreign.empty()) {
    b.foreign = foreign(s, b, row);
    if (!b.foreign.empty()) b.next_poll = Mono{0};
  }
  if (!known_here(s, b, row)) {
    // an end is old news; a live pilot that nobody here submitted is adopted by the next view
    if (!ended(row.state) && !b.tombs.find(row.batch_id, row.submission)) b.next_poll = Mono{0};
    return;
  }
  apply_seen(s, source, row, seq, now, shown);
  const auto at = b.by_id.find(row.batch_id);
  if (at == b.by_id.end()) return;
  LivePilot& p = s.pilots[at->second];
  p.fact = seq;
  p.told = true;
}

void lose(BatchState& b, Seq seq) {
  b.feed.whole = false;
  b.feed.since = seq;
  b.next_poll = Mono{0};
}

void on_failure(BatchState& b, const Error& error, Mono now, FactoryState& s, Wall shown) {
  Feed& f = b.feed;
  f.trouble = error.text();
  // no feed here, or one that is not set up: nothing is wrong, views do the work
  if (error.kind == Kind::config) {
    f.absent = true;
    f.whole = false;
    f.next = error.code == "batch.no_feed" ? kNever : now + seconds{600};
    clear(s, "batch.feed_failing", "batch:" + b.name);
    return;
  }
  f.failures = std::min(f.failures + 1, 6);
  f.next = now + seconds{std::int64_t{1} << f.failures};
  raise(s, "batch.feed_failing", "batch:" + b.name, "the feed of events can't be read: " + f.trouble, shown);
}

}  // namespace

bool fed(const BatchState& b, Mono now) {
  return b.feed.whole && b.feed.told_at.ns != 0 && now - b.feed.told_at <= kSilent;
}

bool sure(const BatchState& b, Mono now) {
  return fed(b, now) || (b.trust == Trust::ok && fresh(b, b.spec.max_age, now));
}

Mono sure_at(const BatchState& b) { return std::max(b.view_at, b.feed.sure_at); }

void on_events(FactoryState& s, const EventsSeen& e, Mono now, Wall shown) {
  const auto source = static_cast<std::uint32_t>(batch_named(s, e.batch));
  BatchState& b = s.batches[source];
  Feed& f = b.feed;
  f.following = false;
  if (!e.view) return on_failure(b, e.view.error(), now, s, shown);
  const Seq seq = s.next_seq();
  const bool first = f.told_at.ns == 0;
  f.failures = 0;
  f.absent = false;
  f.next = now;
  f.told_at = now;
  f.evidence = e.view->evidence;
  f.trouble.clear();
  clear(s, "batch.feed_failing", "batch:" + b.name);
  if (first && f.cursor.empty()) f.since = seq;  // it begins here: what was before, a view has to tell
  for (const auto& row : e.view->data.seen) apply(s, source, row, seq, now, shown);
  if (const auto& gap = e.view->data.gap; !gap.empty()) {
    f.trouble = fmt::format("events may be lost: {}; the next trusted view makes up for them", gap);
    lose(b, seq);
  } else if (first && !f.cursor.empty() && !b.adopt_all) {
    f.whole = true;  // it goes on where the ledger ends
  }
  if (f.cursor != e.view->cursor) {
    f.cursor = e.view->cursor;
    s.unsaved_cursors["feed:" + b.name] = f.cursor;
  }
}

void expect_events(FactoryState& s, std::uint32_t source, const std::string& batch_id, Mono now) {
  Feed& f = s.batches[source].feed;
  if (f.told_at.ns != 0 && !f.absent) f.witnesses.push_back({batch_id, now});
}

void feed_meets_view(BatchState& b, Seq asked) {
  if (b.feed.told_at.ns != 0 && !b.feed.absent && !b.feed.blind && asked > b.feed.since) b.feed.whole = true;
}

void watch_feeds(FactoryState& s, Mono now) {
  for (std::uint32_t i = 0; i < s.batches.size(); ++i) {
    BatchState& b = s.batches[i];
    Feed& f = b.feed;
    while (!f.witnesses.empty()) {
      const auto at = b.by_id.find(f.witnesses.front().batch_id);
      const bool shown = at == b.by_id.end() || s.pilots[at->second].told;
      if (!shown && now - f.witnesses.front().since < kWitness) break;
      f.blind = !shown;
      if (f.blind) {
        f.trouble = fmt::format("the events do not tell of pilot {}, which the batch system took {} ago",
                                f.witnesses.front().batch_id, human(now - f.witnesses.front().since));
        lose(b, s.next_seq());
      }
      f.witnesses.pop_front();
    }
    const bool is_fed = fed(b, now);
    if (is_fed) f.sure_at = f.told_at;
    if (f.was_fed == is_fed) continue;
    f.was_fed = is_fed;
    if (!is_fed && b.doubtful_since.ns != 0) b.doubtful_since = now;  // from here on only proven ends are made up for
    if (!is_fed) no_budget(s, i);
    touch_source(s, i);
  }
}

void follow(FactoryState& s, Mono now, std::vector<Effect>& out) {
  if (s.stopping) return;
  for (auto& b : s.batches) {
    if (b.feed.following || now < b.feed.next || !polled(s, b)) continue;
    b.feed.following = true;
    out.emplace_back(FollowBatch{b.name, b.feed.cursor});
  }
}

Mono next_follow(const FactoryState& s) {
  Mono at = kNever;
  for (const auto& b : s.batches) {
    const Feed& f = b.feed;
    if (polled(s, b) && !f.following) at = std::min(at, f.next);
    if (f.was_fed) at = std::min(at, f.told_at + kSilent + milliseconds{1});
    if (!f.witnesses.empty()) at = std::min(at, f.witnesses.front().since + kWitness);
  }
  return at;
}

}  // namespace apf::core
