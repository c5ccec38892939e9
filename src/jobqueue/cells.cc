#include "jobqueue/cells.h"

namespace apf::jobqueue {

void Cells::add(std::int64_t id, const CellKey& key) {
  cells_[id] = Cell{key, {}};
  ids_[key] = id;
}

void Cells::remove(std::int64_t id) {
  const auto it = cells_.find(id);
  if (it == cells_.end()) return;
  ids_.erase(it->second.key);
  cells_.erase(it);
}

void Cells::count(std::int64_t id, JobStatus status, std::int64_t delta) {
  cells_[id].jobs[static_cast<std::size_t>(status)] += delta;
}

std::int64_t Cells::find(const CellKey& key) const {
  const auto it = ids_.find(key);
  return it == ids_.end() ? 0 : it->second;
}

std::vector<std::int64_t> Cells::of_site(const std::string& site, const std::string& resource_type,
                                         const std::string& label) const {
  std::vector<std::int64_t> out;
  for (auto it = ids_.lower_bound(CellKey{site, "", ""}); it != ids_.end() && it->first.site == site; ++it)
    if ((resource_type.empty() || it->first.resource_type == resource_type) &&
        (label.empty() || it->first.label == label))
      out.push_back(it->second);
  return out;
}

std::vector<protocol::panda::Cell> Cells::active() const {
  std::vector<protocol::panda::Cell> out;
  for (const auto& [key, id] : ids_) {
    protocol::panda::Cell cell{key.site, key.resource_type, key.label, {}};
    const Counts& jobs = cells_.at(id).jobs;
    for (auto s = JobStatus::activated; !ended(s); s = static_cast<JobStatus>(static_cast<int>(s) + 1))
      if (const auto n = jobs[static_cast<std::size_t>(s)]; n > 0) cell.jobs[name(s)] = n;
    if (!cell.jobs.empty()) out.push_back(std::move(cell));
  }
  return out;
}

}  // namespace apf::jobqueue
