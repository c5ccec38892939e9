#include "core/ends.h"

#include <algorithm>

#include "core/state.h"

namespace apf::core {
namespace {

constexpr Duration kLongest = seconds{3600};  // what a step may ask for

bool asked(const Queue& q) {
  return std::any_of(q.chain.begin(), q.chain.end(), [](const auto& s) { return s.second->asks().has_value(); });
}

}  // namespace

float ran_for(const Pilot& r) {
  if (r.wall_s >= 0) return r.wall_s;
  if (r.started.ms == 0 || r.ended.ms < r.started.ms) return -1;
  return static_cast<float>(r.ended.ms - r.started.ms) / 1000.0F;
}

void remember_end(Queue& q, const Pilot& r, Mono started, Mono now) {
  if (!asked(q)) {
    q.ends.clear();  // a new chain asks no more
    return;
  }
  while (!q.ends.empty() && (q.ends.size() >= kMostEnds || now - q.ends.front().started > kLongest)) q.ends.pop_front();
  const float wall_s = ran_for(r);
  if (started.ns == 0 || wall_s < 0 || now - started > kLongest) return;
  q.ends.push_back({started, wall_s});
}

std::vector<SchedEnds> answers(Queue& q, Mono now) {
  std::vector<SchedEnds> out;
  for (const auto& [name, step] : q.chain) {
    auto question = step->asks();
    if (!question) continue;
    for (const auto& e : q.ends) {
      if (now - e.started >= question->within) continue;
      ++question->ended;
      if (std::chrono::duration<float>(e.wall_s) < std::chrono::duration<float>(question->below)) ++question->brief;
    }
    out.push_back(*question);
  }
  return out;
}

void restore_ends(FactoryState& s, const std::vector<Pilot>& pilots, Mono now, Wall shown) {
  std::vector<const Pilot*> ran;
  for (const auto& r : pilots)
    if (ended(r.state) && !r.lost && r.started.ms != 0) ran.push_back(&r);
  std::sort(ran.begin(), ran.end(), [](const Pilot* a, const Pilot* b) { return a->ended < b->ended; });
  for (const auto* r : ran)
    if (const auto at = s.queue_by_name.find(r->queue); at != s.queue_by_name.end())
      remember_end(s.queues[at->second], *r, on_our_clock(r->started, now, shown), now);
}

}  // namespace apf::core
