#include "jobqueue/leases.h"

namespace apf::jobqueue {

void Leases::set(std::int64_t job, Mono end) {
  drop(job);
  ends_[job] = end;
  order_.emplace(end, job);
}

void Leases::drop(std::int64_t job) {
  const auto it = ends_.find(job);
  if (it == ends_.end()) return;
  order_.erase({it->second, job});
  ends_.erase(it);
}

std::vector<std::int64_t> Leases::over(Mono now, std::size_t most) const {
  std::vector<std::int64_t> out;
  for (const auto& [end, job] : order_) {
    if (end > now || out.size() == most) break;
    out.push_back(job);
  }
  return out;
}

std::optional<Mono> Leases::next() const {
  if (order_.empty()) return {};
  return order_.begin()->first;
}

}  // namespace apf::jobqueue
