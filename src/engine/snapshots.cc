#include "engine/snapshots.h"

#include <utility>

namespace apf::engine {

void Snapshots::update(const std::vector<std::pair<std::string, QueuePtr>>& changed, core::FactorySnapshot factory) {
  auto made = std::make_shared<const core::FactorySnapshot>(std::move(factory));
  const std::scoped_lock lock(mutex_);
  ++passes_;
  factory_.swap(made);
  for (const auto& [name, snapshot] : changed) {
    if (snapshot)
      queues_[name] = snapshot;
    else
      queues_.erase(name);
  }
}

std::vector<Snapshots::QueuePtr> Snapshots::queues() const {
  const std::scoped_lock lock(mutex_);
  std::vector<QueuePtr> all;
  all.reserve(queues_.size());
  for (const auto& [name, snapshot] : queues_) all.push_back(snapshot);
  return all;
}

Snapshots::QueuePtr Snapshots::queue(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto at = queues_.find(name);
  return at == queues_.end() ? nullptr : at->second;
}

std::shared_ptr<const core::FactorySnapshot> Snapshots::factory() const {
  const std::scoped_lock lock(mutex_);
  return factory_;
}

std::uint64_t Snapshots::passes() const {
  const std::scoped_lock lock(mutex_);
  return passes_;
}

}  // namespace apf::engine
