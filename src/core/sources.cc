// Sources: when they are polled, what a demand view means (R2, R6), and the alarms that everybody raises (R17).
#include "core/sources.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/state.h"

namespace apf::core {
namespace {

std::int64_t ready_of(const std::vector<Demand>& cells) {
  std::int64_t n = 0;
  for (const auto& c : cells) n += c.ready;
  return n;
}

// R6: ready that jumps tenfold in one view is believed when a second view agrees.
void watch_jump(WmsState& w, const std::string& queue, std::int64_t before, std::int64_t after) {
  const auto at = w.jumped.find(queue);
  if (at != w.jumped.end()) {
    w.jumped.erase(at);  // this is the second view: whatever it says now stands
    return;
  }
  constexpr std::int64_t kSmall = 100;
  if (after > kSmall && after > 10 * std::max(before, kSmall / 10)) w.jumped[queue] = 0;
}

std::vector<std::string> wms_queues(const FactoryState& s, int wms) {
  std::set<std::string> names;
  for (const auto& q : s.queues)
    if (q.wms == wms && !q.gone) names.insert(q.spec->wms_queue);
  return {names.begin(), names.end()};
}

}  // namespace

bool polled(const FactoryState& s, const BatchState& b) {
  return !b.spec.plugin.empty() && (!b.gone || !b.by_id.empty() || s.stopping);
}

void raise(FactoryState& s, const std::string& code, const std::string& subject, const std::string& text, Wall shown) {
  const auto [at, fresh] = s.alarms.try_emplace({code, subject}, Alarm{code, subject, text, shown});
  if (fresh)
    s.alarm_changes.push_back({at->second, true});
  else
    at->second.text = text;
}

void clear(FactoryState& s, const std::string& code, const std::string& subject) {
  const auto at = s.alarms.find({code, subject});
  if (at == s.alarms.end()) return;
  s.alarm_changes.push_back({at->second, false});
  s.alarms.erase(at);
}

void on_demand_view(FactoryState& s, const DemandSeen& e, Mono now, Wall shown) {
  const auto found = std::find_if(s.wmses.begin(), s.wmses.end(), [&](const WmsState& w) { return w.name == e.wms; });
  if (found == s.wmses.end()) return;
  WmsState& w = *found;
  const int index = static_cast<int>(found - s.wmses.begin());
  const std::string subject = "wms:" + w.name;
  w.polling = false;
  w.pushes = e.pushes;
  if (!e.view) {
    ++w.failures;
    w.trust = w.view_at.ns == 0 ? Trust::never : Trust::failing;
    w.trouble = e.view.error().text();
    w.cursor.clear();
    w.next_poll = now + std::min<Duration>(w.spec.interval, seconds{std::int64_t{1} << std::min(w.failures - 1, 9)});
    raise(s, "wms.poll_failing", subject, "the poll failed: " + w.trouble, shown);
    return;
  }
  const DemandData& data = e.view->data;
  std::map<std::string, std::vector<Demand>, std::less<>> cells;
  for (const auto& d : data.cells) cells[d.wms_queue].push_back(d);
  if (w.view_at.ns != 0)
    for (const auto& [queue, list] : cells) {
      const auto before = w.cells.find(queue);
      watch_jump(w, queue, before == w.cells.end() ? 0 : ready_of(before->second), ready_of(list));
    }
  w.cells = std::move(cells);
  w.sites = {data.sites.begin(), data.sites.end()};
  w.tells_labels = data.tells_labels;
  w.tells_types = data.tells_types;
  w.failures = 0;
  w.trust = Trust::ok;
  w.trouble.clear();
  w.evidence = e.view->evidence;
  w.cursor = e.view->cursor;
  w.view_as_of = e.view->as_of.ms != 0 ? e.view->as_of : shown;
  const Duration lag = w.spec.lag.count() >= 0 ? w.spec.lag : data.lag;
  w.true_at = std::min(now, e.asked_at - lag);
  w.view_at = std::max(e.asked_at, w.true_at);
  w.arrived = now;
  w.next_poll = w.pushes ? now : e.asked_at + w.spec.interval;
  if (w.pushes &&
      !w.jumped.empty()) {  // a source whose views are exact is asked again at once: that is the second view
    w.cursor.clear();
    w.next_poll = now + seconds{1};
  }
  clear(s, "wms.poll_failing", subject);
  for (std::uint32_t i = 0; i < s.queues.size(); ++i)
    if (s.queues[i].wms == index) touch(s, i);
}

bool fresh(const SourceBase& source, Duration max_age, Mono now) {
  return source.view_at.ns != 0 && now - source.view_at <= max_age;
}

void poll(FactoryState& s, Mono now, std::vector<Effect>& out) {
  if (s.stopping) return;
  for (std::size_t i = 0; i < s.wmses.size(); ++i) {
    WmsState& w = s.wmses[i];
    if (w.gone || w.polling || now < w.next_poll) continue;
    auto names = wms_queues(s, static_cast<int>(i));
    if (names.empty()) {
      w.next_poll = now + w.spec.interval;
      continue;
    }
    w.polling = true;
    w.asked_at = now;
    out.emplace_back(PollWms{w.name, s.next_seq(), std::move(names), w.cursor});
  }
  for (auto& b : s.batches) {
    if (b.polling || now < b.next_poll || !polled(s, b)) continue;
    b.polling = true;
    b.asked_at = now;
    out.emplace_back(PollBatch{b.name, s.next_seq(), b.cursor});
  }
}

Mono next_poll(const FactoryState& s) {
  Mono at = kNever;
  for (const auto& w : s.wmses)
    if (!w.gone && !w.polling) at = std::min(at, w.next_poll);
  for (const auto& b : s.batches) {
    if (!b.polling && polled(s, b)) at = std::min(at, b.next_poll);
    if (!b.finding && polled(s, b)) at = std::min(at, b.next_find);
  }
  return at;
}

}  // namespace apf::core
