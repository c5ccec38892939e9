#include "core/holds.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/sources.h"

namespace apf::core {
namespace {

constexpr float kBusy = 0.95F;  // of the batch system's server (R13)

bool covers(const Hold& hold, const QueueSpec& spec) {
  return hold.scope == "all" || hold.scope == "queue:" + spec.name || hold.scope == "wms:" + spec.wms ||
         hold.scope == "batch:" + spec.batch;
}

std::string in_words(const Hold& h) {
  auto text = fmt::format("{} ({}) by {} since {}",
                          h.verb == "pause"   ? "paused"
                          : h.verb == "drain" ? "draining"
                                              : "disabled",
                          h.scope, h.who.empty() ? "an operator" : h.who, iso8601(h.since));
  if (h.until.ms != 0) text += " until " + iso8601(h.until);
  if (!h.reason.empty()) text += ": " + h.reason;
  return text;
}

// `sure_at`: when the last trusted view was asked, or what else makes sure (events).
Held source_hold(const SourceBase& source, const char* kind, Mono sure_at, Duration max_age, Mono now) {
  const auto who = fmt::format("{} '{}'", kind, source.name);
  if (sure_at.ns == 0)
    return {std::string(kind) + ".never",
            fmt::format("{} has not answered yet{}{}", who, source.trouble.empty() ? "" : ": ", source.trouble)};
  if (now - sure_at > max_age)
    return {std::string(kind) + ".stale",
            fmt::format("the last trusted view of {} is {} old, more than {}{}{}", who, human(now - sure_at),
                        human(max_age), source.trouble.empty() ? "" : ": ", source.trouble)};
  return {};
}

Held demand_hold(FactoryState& s, const Queue& q, Mono now, Wall shown) {
  if (q.wms < 0) return {};
  const WmsState& w = s.wmses[static_cast<std::size_t>(q.wms)];
  if (auto h = source_hold(w, "wms", w.view_at, w.spec.max_age, now); !h.code.empty()) return h;
  const std::string subject = "queue:" + q.spec->name;
  if (!w.sites.empty() && !w.sites.contains(q.spec->wms_queue) && !w.cells.contains(q.spec->wms_queue)) {
    auto text = fmt::format("wms '{}' does not know the WMS queue '{}': check wms_queue", w.name, q.spec->wms_queue);
    raise(s, "queue.unknown_wms_queue", subject, text, shown);
    return {"wms.unknown_queue", std::move(text)};
  }
  clear(s, "queue.unknown_wms_queue", subject);
  // Jobs that nobody can tell apart are neither all of the queue's nor none (R6).
  const bool by_label = !q.spec->job_labels.empty() && !w.tells_labels;
  if (by_label || (!q.spec->resource_types.empty() && !w.tells_types))
    return {"wms.cannot_select",
            fmt::format("wms '{}' does not tell {} apart: the queue's {} can't be served", w.name,
                        by_label ? "job labels" : "resource types", by_label ? "job_labels" : "resource_types")};
  return {};
}

Held host_hold(const FactoryState& s) {
  if (!s.host) return {};
  const auto& f = s.active.config->factory;
  if (s.host->free_disk < f.min_free_disk)
    return {"host.low_disk", fmt::format("the submit host has {} MB of disk left, less than {} MB",
                                         s.host->free_disk >> 20, f.min_free_disk >> 20)};
  if (s.host->free_memory < f.min_free_memory)
    return {"host.low_memory", fmt::format("the submit host has {} MB of memory left, less than {} MB",
                                           s.host->free_memory >> 20, f.min_free_memory >> 20)};
  if (s.host->free_inodes < 1000)
    return {"host.low_inodes", "the submit host's file system has hardly any inodes left"};
  return {};
}

void forget_old(std::deque<Mono>& sent, Mono now) {
  while (!sent.empty() && now - sent.front() >= seconds{60}) sent.pop_front();
}

void rate_cap(Cap& cap, std::deque<Mono>& sent, std::int64_t per_minute, const std::string& name, Mono now) {
  forget_old(sent, now);
  if (per_minute <= 0) return;
  const auto left = std::max<std::int64_t>(0, per_minute - static_cast<std::int64_t>(sent.size()));
  if (left >= cap.most) return;
  cap = {left, name, sent.empty() ? kNever : sent.front() + seconds{60}};
}

void room_cap(Cap& cap, std::int64_t most, std::int64_t have, const std::string& name) {
  if (most <= 0) return;
  const auto left = std::max<std::int64_t>(0, most - have);
  if (left < cap.most) cap = {left, name, kNever};
}

}  // namespace

bool about_credential(std::string_view error_code) {
  return error_code.starts_with("credential.") || error_code.starts_with("engine.credential_");
}

const Hold* hold_on(const FactoryState& s, const Queue& q, std::string_view verb, Wall shown) {
  for (const auto& h : s.holds)
    if (h.verb == verb && covers(h, *q.spec) && (h.until.ms == 0 || shown < h.until)) return &h;
  return nullptr;
}

Held held(FactoryState& s, Queue& q, Mono now, Wall shown) {
  const BatchState& b = s.batches[static_cast<std::size_t>(q.batch)];
  if (s.stopping) return {"factory.stopping", "the factory is stopping"};
  if (q.gone) return {"queue.gone", "the queue is not configured any more; its pilots are tracked to their end"};
  if (!q.spec->enabled) return {"queue.disabled", "the queue is disabled by its configuration"};
  for (const char* verb : {"pause", "disable", "drain"})
    if (const Hold* h = hold_on(s, q, verb, shown)) return {std::string("operator.") + verb, in_words(*h)};
  if (!s.ledger_trouble.empty()) return {"ledger.failing", "the ledger can't be written: " + s.ledger_trouble};
  if (!b.foreign.empty()) return {"identity.foreign", b.foreign + "; see 'apf adopt'"};
  if (auto h = host_hold(s); !h.code.empty()) return h;
  if (auto h = demand_hold(s, q, now, shown); !h.code.empty()) return h;
  if (auto h = source_hold(b, "batch", sure_at(b), b.spec.max_age, now); !h.code.empty()) return h;
  if (b.load > kBusy)
    return {"batch.overloaded",
            fmt::format("the server of batch '{}' is busy for {:.0f} % of its time, more than {:.0f} %", b.name,
                        b.load * 100, kBusy * 100)};
  if (q.open >= 0) {
    const auto& sub = s.submissions[static_cast<std::size_t>(q.open)];
    return {"submission.open",
            fmt::format("submission {} of {} pilots {}", sub.row.id, sub.row.n,
                        sub.in_flight || sub.planned ? "is under way" : "got no answer and is being looked up")};
  }
  if (now < q.backoff_until) {
    const auto next = human(q.backoff_until - now);
    if (about_credential(q.refusal_code))
      return {"queue.credential",
              fmt::format("the queue's credential will not do: {}; next look in {}", q.refusal, next)};
    return {"batch.refused",
            fmt::format("the batch system refused the last submission, next try in {}: {}", next, q.refusal)};
  }
  const std::int64_t all = q.counts.pending() + q.counts.running();
  const std::int64_t on_hold = q.counts.of(PilotState::held);
  const std::string subject = "queue:" + q.spec->name;
  if (on_hold >= std::max<std::int64_t>(q.spec->trial, all / 5)) {
    auto text = fmt::format("{} of {} pilots are held by the batch system; nothing is added to them", on_hold, all);
    raise(s, "queue.held_pilots", subject, text, shown);
    return {"queue.held_pilots", std::move(text)};
  }
  clear(s, "queue.held_pilots", subject);
  return {};
}

Cap caps(FactoryState& s, std::uint32_t queue, Mono now) {
  Queue& q = s.queues[queue];
  Cap cap = trial_cap(s, queue, now);
  BatchState& b = s.batches[static_cast<std::size_t>(q.batch)];
  const auto& f = s.active.config->factory;
  // the view is in doubt: no more than what has provably ended since (R5)
  if (b.trust != Trust::ok && !fed(b, now) && q.budget < cap.most)
    cap = {std::max<std::int64_t>(0, q.budget), "view in doubt", kNever};
  // one submission is one cluster or array: a number beyond this is a mistake somewhere, and comes in pieces at least
  constexpr std::int64_t kLargestSubmission = 10'000;
  if (kLargestSubmission < cap.most) cap = {kLargestSubmission, "one submission holds 10000 pilots at most", kNever};
  room_cap(cap, f.max_pilots, s.total_pending + s.total_running + s.total_open, "factory.max_pilots");
  room_cap(cap, b.spec.max_pilots, static_cast<std::int64_t>(b.by_id.size()) + b.open,
           "batch." + b.name + ".max_pilots");
  rate_cap(cap, s.sent, f.max_submissions_per_minute, "factory.max_submissions_per_minute", now);
  rate_cap(cap, b.sent, b.spec.max_submissions_per_minute, "batch." + b.name + ".max_submissions_per_minute", now);
  if (const Throttle& t = q.health.throttle; t.on) {
    const std::int64_t most = now >= t.next ? 1 : 0;
    if (most < cap.most) cap = {most, "failing pilots: " + t.why, t.next};
  }
  if (q.wms >= 0) {
    // R6: an unconfirmed jump is used at a walk, by all queues of that WMS queue together, whatever the caps allow
    constexpr std::int64_t kWalk = 100;
    const auto& jumped = s.wmses[static_cast<std::size_t>(q.wms)].jumped;
    const auto walked = jumped.find(q.spec->wms_queue);
    if (walked != jumped.end() && kWalk - walked->second < cap.most)
      cap = {std::max<std::int64_t>(0, kWalk - walked->second), "ready jumped tenfold, not confirmed yet", kNever};
  }
  return cap;
}

}  // namespace apf::core
