// What people and the API see of the state: copies, never references into it.
#include <algorithm>

#include "core/holds.h"
#include "core/sources.h"
#include "core/state.h"

namespace apf::core {
namespace {

const char* name(Trust trust) {
  switch (trust) {
    case Trust::never: return "never";
    case Trust::ok: return "ok";
    case Trust::failing: return "failing";
    case Trust::refused: return "refused";
  }
  return "never";
}

SourceStatus status(const SourceBase& source, const std::string& plugin, const char* kind) {
  SourceStatus out;
  out.name = source.name;
  out.plugin = plugin;
  out.kind = kind;
  out.state = name(source.trust);
  out.view_at = source.view_at;
  out.view_as_of = source.view_as_of;
  out.evidence = source.evidence;
  out.trouble = source.trouble;
  out.pushes = source.pushes;
  return out;
}

// How a source is known, for people.
std::string way(const WmsState& w) { return w.pushes ? "long poll" : "poll every " + human(w.spec.interval); }
std::string way(const BatchState& b) {
  if (b.feed.was_fed) return "events (" + b.feed.evidence + ")";
  const auto polls = "poll every " + human(b.spec.interval);
  return b.feed.trouble.empty() || b.feed.next == kNever ? polls : polls + " (" + b.feed.trouble + ")";
}

void show_demand(FactoryState& s, Queue& q, QueueSnapshot& out) {
  if (q.wms < 0) return;
  const WmsState& w = s.wmses[static_cast<std::size_t>(q.wms)];
  out.wms_view_at = w.view_at;
  out.demand_known = w.view_at.ns != 0;
  for (const auto* d : cells_of(s, q)) {
    out.ready += d->ready;
    out.notready += d->notready;
  }
  const auto site = w.sites.find(q.spec->wms_queue);
  out.site = site == w.sites.end() ? "" : site->second;
  out.claimed = claimed(s, q);
}

std::vector<std::string> holds_in_words(const FactoryState& s, const Queue& q) {
  std::vector<std::string> out;
  for (const char* verb : {"pause", "disable", "drain"})
    if (const Hold* h = hold_on(s, q, verb, Wall{0}))
      out.push_back(h->verb + " (" + h->scope + ") by " + h->who + (h->reason.empty() ? "" : ": " + h->reason));
  return out;
}

std::shared_ptr<const QueueSnapshot> show(FactoryState& s, Queue& q) {
  auto out = std::make_shared<QueueSnapshot>();
  const QueueSpec& spec = *q.spec;
  out->name = spec.name;
  out->wms = spec.wms;
  out->wms_queue = spec.wms_queue;
  out->batch = spec.batch;
  out->mode = spec.mode == Mode::shadow ? "shadow" : "active";
  out->enabled = spec.enabled;
  out->gone = q.gone;
  show_demand(s, q, *out);
  out->pending = q.counts.pending() + q.open_n;
  out->running = q.counts.running();
  out->held = q.counts.of(PilotState::held);
  out->missing = q.counts.missing;
  out->open_submissions = q.open >= 0 ? 1 : 0;
  out->done_1h = q.hour.sum_done();
  out->failed_1h = q.hour.sum_failed();
  out->life_submitted = q.life.life_submitted;
  out->life_done = q.life.life_done;
  out->life_failed = q.life.life_failed;
  out->batch_view_at = s.batches[static_cast<std::size_t>(q.batch)].view_at;
  out->known_nodes = static_cast<std::int64_t>(q.health.known.size());
  for (const auto& e : q.health.excluded)
    out->excluded_nodes.push_back({e.name, e.why, e.since, std::max(e.next_probe, q.health.next_probe),
                                   !q.health.probe.submission.empty() && q.health.probe.host == e.host});
  out->failing = q.health.throttle.why;
  out->holds = holds_in_words(s, q);
  out->last = q.last;
  return out;
}

}  // namespace

std::vector<std::pair<std::string, std::shared_ptr<const QueueSnapshot>>> take_changed(FactoryState& s) {
  std::vector<std::pair<std::string, std::shared_ptr<const QueueSnapshot>>> out;
  for (const auto at : std::exchange(s.changed, {})) {
    Queue& q = s.queues[at];
    const bool over = q.gone && q.members.empty() && q.open < 0;
    out.emplace_back(q.spec->name, over ? nullptr : show(s, q));
  }
  return out;
}

FactorySnapshot overview(const FactoryState& s) {
  FactorySnapshot out;
  if (s.active.config) {
    out.factory_id = s.active.config->factory.factory_id;
    out.config_version = s.active.config->version;
  }
  out.run = s.run;
  out.started = s.started;
  out.stopping = s.stopping;
  out.pending = s.total_pending + s.total_open;
  out.running = s.total_running;
  for (const auto& q : s.queues) {
    out.missing += q.counts.missing;
    out.open_submissions += q.open >= 0 ? 1 : 0;
    out.excluded_nodes += static_cast<std::int64_t>(q.health.excluded.size());
    out.failing_queues += q.health.throttle.on ? 1 : 0;
  }
  for (const auto& w : s.wmses)
    if (!w.gone) {
      out.sources.push_back(status(w, w.spec.plugin, "wms"));
      out.sources.back().way = way(w);
    }
  for (const auto& b : s.batches) {
    if (b.gone && b.by_id.empty()) continue;
    out.sources.push_back(status(b, b.spec.plugin, "batch"));
    out.sources.back().way = way(b);
    out.sources.back().pilots = static_cast<std::int64_t>(b.by_id.size());
  }
  for (const auto& [key, alarm] : s.alarms) out.alarms.push_back(alarm);
  out.holds = s.holds;
  out.ledger_trouble = s.ledger_trouble;
  return out;
}

std::vector<Pilot> pilots(const FactoryState& s, const std::string& queue) {
  std::vector<Pilot> out;
  for (const auto& p : s.pilots)
    if (p.used && (queue.empty() || s.queues[p.queue].spec->name == queue)) out.push_back(row(s, p));
  std::sort(out.begin(), out.end(), [](const Pilot& a, const Pilot& b) { return a.no < b.no; });
  return out;
}

}  // namespace apf::core
