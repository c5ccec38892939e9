// Names kept once, and forgotten when nobody uses them any more.
#include <algorithm>

#include "core/state.h"

namespace apf::core {

std::uint32_t Texts::put(const std::string& text) {
  const auto [at, fresh] = index_.try_emplace(text, static_cast<std::uint32_t>(texts_.size()));
  if (!fresh) return at->second;
  if (free_.empty()) {
    texts_.push_back(&at->first);
    return at->second;
  }
  at->second = free_.back();
  free_.pop_back();
  texts_[at->second] = &at->first;
  return at->second;
}

void Texts::keep_only(const std::vector<bool>& wanted) {
  std::erase_if(index_, [&](const auto& entry) {
    const auto number = entry.second;
    if (number == 0 || wanted[number]) return false;
    free_.push_back(number);
    texts_[number] = texts_[0];
    return true;
  });
  std::sort(free_.begin(), free_.end(), std::greater<>());  // the hash table's order must not matter
}

void forget_texts(FactoryState& s) {
  if (s.texts.size() < s.texts_due) return;
  std::vector<bool> wanted(s.texts.numbers());
  for (const auto& p : s.pilots)
    if (p.used) wanted[p.node] = wanted[p.reason] = wanted[p.rule] = true;
  for (const auto& q : s.queues) {
    const Health& h = q.health;
    for (const auto& k : h.known) wanted[k.host] = true;
    for (const auto& o : h.recent) wanted[o.host] = wanted[o.node] = true;
    for (const auto& e : h.excluded) wanted[e.host] = true;
    for (const auto& r : h.released) wanted[r.host] = true;
    wanted[h.probe.host] = wanted[h.paused.host] = true;
  }
  std::erase_if(s.hosts, [&](const auto& known) {
    if (wanted[known.first]) wanted[known.second] = true;
    return !wanted[known.first];
  });
  s.texts.keep_only(wanted);
  s.texts_due = std::max<std::size_t>(20'000, 2 * s.texts.size());
}

}  // namespace apf::core
