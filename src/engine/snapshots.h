// What HTTP threads see: immutable snapshots of queues and of the factory, replaced after each pass. Only changed
// queues are rebuilt. Guarded by a mutex: std::atomic<std::shared_ptr> of libstdc++ 12 fails under ThreadSanitizer.
//
// Thread-safety: all members may be called from any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/factory.h"

namespace apf::engine {

class Snapshots {
 public:
  using QueuePtr = std::shared_ptr<const core::QueueSnapshot>;

  void update(const std::vector<std::pair<std::string, QueuePtr>>& changed, core::FactorySnapshot factory);
  [[nodiscard]] std::vector<QueuePtr> queues() const;  // by name
  [[nodiscard]] QueuePtr queue(const std::string& name) const;
  [[nodiscard]] std::shared_ptr<const core::FactorySnapshot> factory() const;  // null before the first pass
  [[nodiscard]] std::uint64_t passes() const;                                  // how often it was updated

 private:
  mutable std::mutex mutex_;
  std::map<std::string, QueuePtr> queues_;
  std::shared_ptr<const core::FactorySnapshot> factory_;
  std::uint64_t passes_ = 0;
};

}  // namespace apf::engine
