// What views and reports say is brought together with what the ledger knows (R2, R4, R5, R6, R9).
#include <fmt/format.h>

#include <algorithm>

#include "core/state.h"

namespace apf::core {
namespace {

// The moment a pilot started, on our clock, from what the batch system's wall clock says; never before the pilot was
// submitted nor after now, whatever the clocks do.
Mono started_at(const LivePilot& p, const PilotSeen& row, Mono now, Wall shown) {
  if (row.started.ms == 0) return now;
  return std::clamp(on_our_clock(row.started, now, shown), std::min(p.submitted_at, now), now);
}

// What a view says before anything is concluded from it.
struct Shown {
  std::string contradiction;         // why it is no view (R5), or nothing
  std::int64_t risen = 0;            // pilots that had ended long before it was asked for
  std::vector<std::uint32_t> slots;  // of data.live, in its order; kStranger: it was not known then
};
constexpr std::uint32_t kStranger = UINT32_MAX;

std::string differ(const PilotSeen& first, const PilotSeen& again) {
  if (first.state == again.state && first.submission == again.submission) return {};
  return fmt::format("pilot {} is shown twice, as {} and as {}", first.batch_id, name(first.state), name(again.state));
}

// Marks the pilots that the view shows. A view that contradicts itself or shows pilots without our attributes is no
// view. Batch systems may notice late that a wrapper has ended: 30 minutes.
Shown look_at(FactoryState& s, const BatchState& b, const BatchData& data, Seq asked, Mono now) {
  ++s.epoch;
  Shown out;
  std::vector<const PilotSeen*> known(s.pilots.size());
  std::unordered_map<std::string_view, const PilotSeen*> strangers;
  out.slots.reserve(data.live.size());
  for (const auto& row : data.live) {
    if (row.batch_id.empty() || row.submission.empty() || row.queue.empty())
      return {fmt::format("pilot '{}' is shown without our attributes", row.batch_id), 0, {}};
    const auto at = b.by_id.find(row.batch_id);
    const PilotSeen*& first = at != b.by_id.end() ? known[at->second] : strangers[row.batch_id];
    if (first == nullptr) first = &row;
    out.slots.push_back(at != b.by_id.end() ? at->second : kStranger);
    if (out.contradiction = differ(*first, row); !out.contradiction.empty()) return out;
    if (at != b.by_id.end()) {
      LivePilot& p = s.pilots[at->second];
      p.seen = s.epoch;
      if (p.exiting() && now - p.exiting_at > seconds{1800} && row.state != PilotState::transferring) ++out.risen;
    } else if (const auto ended = b.tombs.find(row.batch_id, row.submission); ended && *ended < asked) {
      ++out.risen;
    }
  }
  return out;
}

End end_of(const PilotSeen& row) {
  End end;
  end.state = row.state;
  end.exit_code = row.exit_code;
  end.wall_s = row.wall_s;
  end.cpu_s = row.cpu_s;
  end.started = row.started;
  end.ended = row.ended;
  end.reason = row.reason;
  end.evicted = row.evicted;
  return end;
}

void doubt(FactoryState& s, std::uint32_t source, Trust trust, const std::string& why, Mono now, Wall shown) {
  BatchState& b = s.batches[source];
  if (b.doubtful_since.ns == 0) {
    b.doubtful_since = now;
    no_budget(s, source);
  }
  b.trust = b.view_at.ns == 0 && trust == Trust::failing ? Trust::never : trust;
  b.trouble = why;
  const bool refused = trust == Trust::refused;
  if (refused) b.refused_at = now;
  clear(s, refused ? "batch.poll_failing" : "batch.view_refused", "batch:" + b.name);
  raise(s, refused ? "batch.view_refused" : "batch.poll_failing", "batch:" + b.name, why, shown);
}

// Pilots that the view should show and does not, without evidence of their end.
std::vector<std::uint32_t> absentees(const FactoryState& s, std::uint32_t source, Seq asked) {
  std::vector<std::uint32_t> out;
  std::uint32_t slot = 0;
  for (const auto& p : s.pilots) {
    if (p.used && p.source == source && p.seen != s.epoch && p.known < asked && p.fact < asked) out.push_back(slot);
    ++slot;
  }
  return out;
}

void end_by_evidence(FactoryState& s, std::uint32_t slot, Mono now, Wall shown) {
  const LivePilot& p = s.pilots[slot];
  End end;
  end.exit_code = p.exit_code;
  end.state = well(p.exit_code, s.queues[p.queue].spec->executable.empty()) ? PilotState::done : PilotState::failed;
  end.reason = "gone from the batch system after its wrapper reported its end";
  end_pilot(s, slot, end, now, shown);
}

// What a view or an event says of a pilot that is known.
void apply_known(FactoryState& s, std::uint32_t slot, const PilotSeen& row, Seq asked, Mono now, Wall shown) {
  LivePilot& p = s.pilots[slot];
  // Something newer than this query is known of it (R4). Its own end is final all the same, and may be told once only;
  // another pilot's, whose number it has now, is not meant.
  if (p.fact > asked && !(ended(row.state) && row.submission == s.submissions[p.submission].row.id)) return;
  if (ended(row.state)) {
    if (!row.node.empty()) p.node = s.texts.put(row.node);
    end_pilot(s, slot, end_of(row), now, shown);
    return;
  }
  if (p.known > asked) return;
  if (p.missing) set_missing(s, slot, false, now);
  if (!row.node.empty() && s.texts.get(p.node) != row.node) {
    p.node = s.texts.put(row.node);
    save(s, slot);
  }
  if (row.reason != s.texts.get(p.reason)) p.reason = s.texts.put(row.reason);
  if (row.state == PilotState::held)
    note_hold(p, row.hold, now);
  else
    p.hold = HoldKind::none;
  if (row.state == p.state) return;
  if (row.state == PilotState::held) p.held_at = now;
  // a pilot whose wrapper has spoken has started, whatever an older list says
  if (p.started_told && row.state <= PilotState::unknown && row.state != PilotState::held) return;
  const bool starts = p.started_at.ns == 0;
  if (starts && row.started.ms != 0) p.started = row.started;
  const Mono when = starts ? started_at(p, row, now, shown) : now;
  set_state(s, slot, row.state, when, shown);
}

void accept(FactoryState& s, std::uint32_t source, const BatchSeen& e, const Shown& all,
            const std::vector<std::uint32_t>& absent, Mono now, Wall shown) {
  BatchState& b = s.batches[source];
  for (std::size_t i = 0; i < e.view->data.live.size(); ++i) {
    const PilotSeen& row = e.view->data.live[i];
    const std::uint32_t slot = all.slots[i];
    // ends that came with the view may have given the slot to another
    const bool still = slot != kStranger && s.pilots[slot].used && s.pilots[slot].source == source &&
                       s.pilots[slot].batch_id == row.batch_id;
    if (still)
      apply_known(s, slot, row, e.asked, now, shown);
    else
      apply_seen(s, source, row, e.asked, now, shown);
  }
  for (const auto slot : absent) {
    LivePilot& p = s.pilots[slot];
    if (!p.used) continue;
    if (p.exiting()) {
      end_by_evidence(s, slot, now, shown);
      continue;
    }
    if (!p.missing) set_missing(s, slot, true, now);
    if (p.missing_views < 255) ++p.missing_views;
  }
  b.tombs.forget_old(now);
  b.trust = Trust::ok;
  b.view_at = e.asked_at;
  b.view_as_of = e.view->as_of;
  b.evidence = e.view->evidence;
  b.trouble.clear();
  b.doubtful_since = Mono{};
  b.absent.clear();
  b.adopt_all = b.accept_next = b.probe_absent = b.canary_used = false;
  b.canary = -1;
  feed_meets_view(b, e.asked);
  b.cursor = e.view->cursor;
  s.unsaved_cursors["batch:" + b.name] = b.cursor;
  // an empty list that nothing speaks against does not show that lists are right again: no alarm that comes and goes
  if (!e.view->data.live.empty() || now - b.refused_at > seconds{3600}) {
    b.refused_at = Mono{};
    clear(s, "batch.view_refused", "batch:" + b.name);
  }
  clear(s, "batch.poll_failing", "batch:" + b.name);
  touch_source(s, source);
}

// A refused view whose canary shows: the absentees are looked up one by one (R5).
void watch_canary(FactoryState& s, BatchState& b, const BatchSeen& e) {
  if (b.canary < 0) return;
  const auto& canary = s.submissions[static_cast<std::size_t>(b.canary)];
  if (!canary.used) {
    b.canary = -1;
    return;
  }
  for (const auto& row : e.view->data.live)
    if (row.submission == canary.row.id) b.probe_absent = true;
  if (b.probe_absent) b.next_find = Mono{0};
}

// A submission of the last hour that the batch system acknowledged, and of which it now knows nothing: no pilot is in
// its queue, and none is known to have ended.
const LiveSubmission* forgotten(const FactoryState& s, const std::vector<std::uint32_t>& absent, Mono now) {
  std::map<std::uint32_t, std::uint32_t> gone;  // pilots, by submission
  for (const auto slot : absent) {
    const LivePilot& p = s.pilots[slot];
    if (!p.missing && !p.exiting() && now - p.submitted_at <= seconds{3600}) ++gone[p.submission];
  }
  for (const auto& [at, n] : gone) {
    const LiveSubmission& sub = s.submissions[at];
    if (sub.row.state == SubmissionState::settled && n == sub.live && static_cast<std::int32_t>(n) == sub.row.got)
      return &sub;
  }
  return nullptr;
}

// Why this view can't be true as a whole (R5), or nothing.
std::string implausible(const FactoryState& s, const BatchState& b, const std::vector<std::uint32_t>& absent,
                        std::int64_t risen, Mono now) {
  const auto leaving =
      std::count_if(absent.begin(), absent.end(), [&](std::uint32_t slot) { return s.pilots[slot].exiting(); });
  const auto unexplained = std::count_if(absent.begin(), absent.end(), [&](std::uint32_t slot) {
    return !s.pilots[slot].missing && !s.pilots[slot].exiting();
  });
  const auto expected = static_cast<std::int64_t>(b.by_id.size()) - leaving;
  // A view in doubt is not believed again because the pilots it hides have become few: the floor counts only once.
  const std::int64_t floor = b.refused_at.ns != 0 ? 0 : 10;
  const std::int64_t allowed = std::max<std::int64_t>(floor, expected / 20);
  if (unexplained > allowed)
    return fmt::format("{} of {} pilots have gone from the view without a trace; at most {} may", unexplained, expected,
                       allowed);
  if (const auto* sub = forgotten(s, absent, now))
    return fmt::format("submission {} of {} pilots was acknowledged and is neither in the queue nor in the history",
                       sub->row.id, sub->row.got);
  if (risen > allowed)
    return fmt::format("the view is old: it shows {} pilots that had ended before it was asked for; at most {} may be",
                       risen, allowed);
  return {};
}

void judge(FactoryState& s, std::uint32_t source, const BatchSeen& e, Mono now, Wall shown) {
  BatchState& b = s.batches[source];
  const BatchData& data = e.view->data;
  if (!e.view->complete)
    return doubt(s, source, Trust::failing, "the view is not complete: " + e.view->evidence, now, shown);
  const Shown all = look_at(s, b, data, e.asked, now);
  if (!all.contradiction.empty()) return doubt(s, source, Trust::refused, all.contradiction, now, shown);

  // Ends are facts of their own (history, exit files): they hold whatever becomes of the view.
  for (const auto& row : data.ended) apply_seen(s, source, row, e.asked, now, shown);

  b.foreign = s.doubt;
  for (const auto& row : data.live) {
    if (!b.foreign.empty()) break;
    b.foreign = foreign(s, b, row);
  }
  if (b.foreign.empty())
    clear(s, "identity.foreign", "batch:" + b.name);
  else
    raise(s, "identity.foreign", "batch:" + b.name, b.foreign + "; nothing is submitted until 'apf adopt'", shown);

  auto absent = absentees(s, source, e.asked);
  if (const auto why = b.accept_next ? std::string() : implausible(s, b, absent, all.risen, now); !why.empty()) {
    b.absent = std::move(absent);
    doubt(s, source, Trust::refused, why + "; nothing is concluded from it", now, shown);
    watch_canary(s, b, e);
    touch_source(s, source);
    return;
  }
  accept(s, source, e, all, absent, now, shown);
}

// The pilot that speaks: by its batch id, else by its number in the submission.
std::optional<std::uint32_t> reporter(const FactoryState& s, std::uint32_t submission, const PilotReported& e) {
  const LiveSubmission& sub = s.submissions[submission];
  const auto& by_id = s.batches[sub.source].by_id;
  if (const auto at = by_id.find(e.batch_id); at != by_id.end())
    return s.pilots[at->second].submission == submission ? std::optional(at->second) : std::nullopt;
  for (const auto slot : s.queues[sub.queue].members)
    if (s.pilots[slot].submission == submission && s.pilots[slot].index == e.index) return slot;
  return std::nullopt;
}

}  // namespace

std::string foreign(const FactoryState& s, const BatchState& b, const PilotSeen& row) {
  if (b.adopt_all) return {};
  if (row.foreign)
    return fmt::format("pilot {} carries this factory's id but was submitted by another instance", row.batch_id);
  if (row.run > s.run)
    return fmt::format("pilot {} was submitted by run {} of this factory, and this is run {}", row.batch_id, row.run,
                       s.run);
  return {};
}

void apply_seen(FactoryState& s, std::uint32_t source, const PilotSeen& row, Seq asked, Mono now, Wall shown) {
  BatchState& b = s.batches[source];
  auto at = b.by_id.find(row.batch_id);
  if (at == b.by_id.end()) {
    if (ended(row.state)) {
      // known to have existed: settles its submission, needs no life in memory
      const auto sub = s.submission_by_id.find(row.submission);
      if (sub == s.submission_by_id.end() || s.submissions[sub->second].found.contains(row.index)) return;
      const auto slot = add_pilot(s, sub->second, row.batch_id, row.index, now, shown);
      note_found(s, sub->second, row.index);
      end_pilot(s, slot, end_of(row), now, shown);
      return;
    }
    if (b.tombs.find(row.batch_id, row.submission)) return;  // it has ended, whatever an old list shows
    const auto sub = s.submission_by_id.find(row.submission);
    if (sub == s.submission_by_id.end() && !foreign(s, b, row).empty()) return;
    const auto submission = sub != s.submission_by_id.end()
                                ? sub->second
                                : adopt_submission(s, row.submission, queue_named(s, row.queue, b.name),
                                                   static_cast<int>(source), row.run, shown);
    const auto slot = add_pilot(s, submission, row.batch_id, row.index, now, shown);
    LivePilot& p = s.pilots[slot];
    p.run = row.run;
    if (row.submitted.ms != 0) {
      p.submitted = row.submitted;
      p.submitted_at = on_our_clock(row.submitted, now, shown);
      s.queues[p.queue].trial.unproven.back().since = p.submitted_at;
    }
    p.known = Seq{asked.v == 0 ? 0 : asked.v - 1};
    p.seen = s.epoch;
    note_found(s, submission, row.index);
    at = b.by_id.find(row.batch_id);
  }
  apply_known(s, at->second, row, asked, now, shown);
}

void on_batch_view(FactoryState& s, const BatchSeen& e, Mono now, Wall shown) {
  const auto source = static_cast<std::uint32_t>(batch_named(s, e.batch));
  BatchState& b = s.batches[source];
  b.polling = false;
  if (!e.view) {
    ++b.failures;
    b.next_poll = now + std::min<Duration>(b.spec.interval, seconds{std::int64_t{1} << std::min(b.failures, 9)});
    doubt(s, source, Trust::failing, "the poll failed: " + e.view.error().text(), now, shown);
    touch_source(s, source);
    return;
  }
  b.failures = 0;
  b.load = e.view->data.load;
  judge(s, source, e, now, shown);
  // events tell what happens: views only reconcile, and ask seldom
  const bool seldom = b.trust == Trust::ok && fed(b, now) && b.missing == 0;
  b.next_poll = e.asked_at + (seldom ? std::max(b.spec.interval, b.spec.reconcile) : b.spec.interval);
}

void on_report(FactoryState& s, const PilotReported& e, Mono now, Wall shown) {
  const auto sub = s.submission_by_id.find(e.submission);
  if (sub == s.submission_by_id.end()) return;
  const LiveSubmission& submission = s.submissions[sub->second];
  BatchState& b = s.batches[submission.source];
  auto known = reporter(s, sub->second, e);
  if (!known) {
    // faster than the batch system's answer; a number that was here before has ended
    if (e.batch_id.empty() || b.by_id.contains(e.batch_id) || submission.found.contains(e.index)) return;
    known = add_pilot(s, sub->second, e.batch_id, e.index, now, shown);
    note_found(s, sub->second, e.index);
  }
  const auto slot = *known;
  LivePilot& p = s.pilots[slot];
  p.fact = s.next_seq();
  p.started_told = true;
  if (!e.node.empty()) p.node = s.texts.put(e.node);
  if (p.missing) set_missing(s, slot, false, now);
  if (p.state <= PilotState::unknown) set_state(s, slot, PilotState::running, now, shown);
  auto& claims = s.queues[p.queue].claims;
  const auto claim = std::find_if(claims.rbegin(), claims.rend(), [&](const Claim& c) { return c.pilot == p.no; });
  if (e.payloads) p.payloads = *e.payloads;
  if (e.payload_started && !p.payload_told) {
    p.payload_told = true;
    p.payload_at = now;
    p.payload_start = shown;
    if (claim != claims.rend()) claim->payload_at = now;
  }
  if (!e.profile.empty()) note_profile(s, p, e.profile, shown);
  if (e.state == "exiting" || e.state == "fault") {
    if (!p.exiting() && e.keeps == 0) {
      ++s.queues[p.queue].budget;
      p.exiting_at = now;
    }
    if (e.rc) p.exit_code = *e.rc;
    if (!e.failure.empty()) p.reason = s.texts.put("check '" + e.failure + "' failed: " + e.text);
    p.empty = e.payloads.value_or(-1) == 0;
    if (claim != claims.rend() && p.empty) claim->empty = true;
    if (e.rc && !p.judged) {
      const auto ran = std::chrono::duration<float>(now - p.started_at).count();
      const auto& spec = *s.queues[p.queue].spec;
      note_outcome(s, p, {PilotState::done, *e.rc, p.payloads, ran, spec.executable.empty(), false, e.failure},
                   p.started_at, now, shown);
    }
    // its slot is about to be free: look sooner than the interval says, but not at every report
    const Duration gap = std::max<Duration>(seconds{1}, b.spec.interval / 10);
    if (!fed(b, now) && e.keeps == 0)
      b.next_poll = std::min(b.next_poll, std::max(now + milliseconds{300}, b.asked_at + gap));
  }
  save(s, slot);
  touch(s, p.queue);
}

}  // namespace apf::core
