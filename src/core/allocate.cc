// Demand: which cells a queue serves, what of it is claimed already (R2), and how queues share it (R10).
#include <algorithm>
#include <cmath>

#include "core/state.h"

namespace apf::core {
namespace {

bool wanted(const std::vector<std::string>& list, const std::string& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

std::int64_t stale_pending(const FactoryState& s, const Queue& q, Mono now) {
  std::int64_t n = 0;
  for (const auto slot : q.members) {
    const LivePilot& p = s.pilots[slot];
    if (p.state <= PilotState::unknown && now - p.submitted_at > seconds{1800}) ++n;
  }
  return n;
}

struct Cell {
  std::int64_t left = 0;
  std::vector<std::uint32_t> served_by;  // queues of the pass that may take from it
};

using Cells = std::map<const Demand*, Cell>;

// Pilots that wait or have claimed take their part first, from the cells that the fewest others can use.
void consume(Cells& cells, const std::vector<const Demand*>& mine, std::int64_t n) {
  auto order = mine;
  std::stable_sort(order.begin(), order.end(), [&](const Demand* a, const Demand* b) {
    return cells.at(a).served_by.size() < cells.at(b).served_by.size();
  });
  for (const auto* d : order) {
    const auto take = std::min(cells.at(d).left, n);
    cells.at(d).left -= take;
    n -= take;
  }
}

// Largest remainder: `n` in proportion to the weights; ties go to the one that comes first in the pass.
std::vector<std::int64_t> split(std::int64_t n, const std::vector<double>& weights) {
  double total = 0;
  for (const double w : weights) total += w;
  std::vector<std::int64_t> out(weights.size(), 0);
  if (total <= 0) return out;
  std::vector<std::pair<double, std::size_t>> rest;
  std::int64_t dealt = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double exact = static_cast<double>(n) * weights[i] / total;
    out[i] = static_cast<std::int64_t>(std::floor(exact));
    dealt += out[i];
    rest.emplace_back(exact - std::floor(exact), i);
  }
  std::stable_sort(rest.begin(), rest.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = 0; dealt < n && i < rest.size(); ++i, ++dealt) ++out[rest[i].second];
  return out;
}

void deal_group(FactoryState& s, const std::vector<std::uint32_t>& group, const std::vector<std::uint32_t>& takers,
                Mono now, const Use& use, std::map<std::uint32_t, std::int64_t>& parts) {
  Cells cells;
  std::map<std::uint32_t, std::vector<const Demand*>> serves;
  for (const auto at : group) {
    serves[at] = cells_of(s, s.queues[at]);
    for (const auto* d : serves[at]) cells[d].left = d->ready;
  }
  for (const auto at : takers)
    for (const auto* d : serves[at]) cells[d].served_by.push_back(at);
  std::map<std::uint32_t, std::int64_t> own_stale;
  for (const auto at : group) {
    Queue& q = s.queues[at];
    own_stale[at] = stale_pending(s, q, now);
    consume(cells, serves[at], q.counts.pending() + q.open_n - own_stale[at] + claimed(s, q));
  }
  for (const auto at : takers) parts[at] = 0;
  std::vector<std::uint32_t> open = takers;  // those that used all they were given
  for (int round = 0; round < 8 && !open.empty(); ++round) {
    std::map<std::uint32_t, std::int64_t> given;
    for (auto& [d, cell] : cells) {
      std::vector<std::uint32_t> here;
      std::vector<double> weights;
      for (const auto at : cell.served_by)
        if (std::find(open.begin(), open.end(), at) != open.end()) {
          here.push_back(at);
          weights.push_back(s.queues[at].spec->weight);
        }
      const auto shares = split(cell.left, weights);
      for (std::size_t i = 0; i < here.size(); ++i) {
        given[here[i]] += shares[i];
        cell.left -= shares[i];
      }
    }
    std::vector<std::uint32_t> still;
    bool moved = false;
    for (const auto at : open) {
      const std::int64_t offered = parts[at] + given[at];
      const std::int64_t usable = std::max<std::int64_t>(0, offered - own_stale[at]);
      const std::int64_t used = std::clamp<std::int64_t>(use(at, usable), 0, usable);
      // what it does not use is offered to the others; its own part stays, since a chain may scale it down
      const std::int64_t back = std::min(given[at], usable - used);
      parts[at] = offered;
      if (!serves[at].empty()) cells.at(serves[at].front()).left += back;
      moved = moved || given[at] > back;
      if (back == 0 && given[at] > 0) still.push_back(at);
    }
    if (!moved) break;
    open = std::move(still);
  }
  for (const auto at : takers) parts[at] = std::max<std::int64_t>(0, parts[at] - own_stale[at]);
}

}  // namespace

std::vector<const Demand*> cells_of(const FactoryState& s, const Queue& q) {
  std::vector<const Demand*> out;
  if (q.wms < 0) return out;
  const auto& cells = s.wmses[static_cast<std::size_t>(q.wms)].cells;
  const auto at = cells.find(q.spec->wms_queue);
  if (at == cells.end()) return out;
  for (const auto& d : at->second)
    if (wanted(q.spec->job_labels, d.job_label) && wanted(q.spec->resource_types, d.resource_type)) out.push_back(&d);
  return out;
}

std::int64_t claimed(FactoryState& s, Queue& q) {
  if (q.wms < 0) {
    q.claims.clear();
    return 0;
  }
  const WmsState& w = s.wmses[static_cast<std::size_t>(q.wms)];
  const Mono since = w.true_at - w.spec.pickup;
  const auto over = [&](const Claim& c) { return c.planned_at < w.arrived && c.started_at <= since; };
  while (!q.claims.empty() && over(q.claims.front())) q.claims.pop_front();
  std::int64_t n = 0;
  for (const auto& c : q.claims) {
    const bool of_this_view = w.arrived.ns != 0 && c.planned_at >= w.arrived;
    const bool took_before = c.payload_at.ns != 0 && c.payload_at < w.true_at;
    if (of_this_view || (c.started_at > since && !c.empty && !took_before)) ++n;
  }
  return n;
}

std::int64_t free_demand(FactoryState& s, Queue& q) {
  std::int64_t ready = 0;
  for (const auto* d : cells_of(s, q)) ready += std::clamp<std::int64_t>(d->ready, 0, kMost);
  return ready - q.counts.pending() - q.open_n - claimed(s, q);
}

std::map<std::uint32_t, std::int64_t> deal(FactoryState& s, const std::vector<std::uint32_t>& who, Mono now,
                                           const Use& use) {
  std::map<std::uint32_t, std::int64_t> parts;
  std::map<int, std::vector<std::uint32_t>> takers;
  for (const auto at : who)
    if (s.queues[at].group >= 0 && s.groups[static_cast<std::size_t>(s.queues[at].group)].size() > 1)
      takers[s.queues[at].group].push_back(at);
  for (const auto& [group, queues] : takers)
    deal_group(s, s.groups[static_cast<std::size_t>(group)], queues, now, use, parts);
  return parts;
}

}  // namespace apf::core
