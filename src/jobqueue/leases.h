// When the leases of jobs end (RULES R12). In memory only: after a restart every job that is out gets a full lease
// again, counted from the start, so nothing about leases has to be written and a renewal costs no disk access.
//
// Times are BOOTTIME. Thread-safety: none; owned by the job store.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "apf/time.h"

namespace apf::jobqueue {

class Leases {
 public:
  void set(std::int64_t job, Mono end);
  void drop(std::int64_t job);
  // Jobs whose lease has ended, oldest first, at most `most`; they stay until they are set or dropped.
  [[nodiscard]] std::vector<std::int64_t> over(Mono now, std::size_t most) const;
  [[nodiscard]] std::optional<Mono> next() const;
  [[nodiscard]] std::size_t size() const { return ends_.size(); }

 private:
  std::unordered_map<std::int64_t, Mono> ends_;
  std::set<std::pair<Mono, std::int64_t>> order_;
};

}  // namespace apf::jobqueue
