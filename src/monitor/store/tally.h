// The figures of memory as they follow from pilots: counters by state, flows over time, live pilots and when time will
// change them. What a pilot adds to the figures is a function of its row, so that a start, which reads all rows, and a
// run, which adds differences, come to the same.
//
// Thread-safety: none; the writer's thread owns it.
#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "monitor/pilot.h"
#include "monitor/store/names.h"

namespace apf::monitor {

// What the figures need of a pilot: small, so that a group's changes can wait for their commit.
struct Brief {
  PilotKey key = 0;
  LabelNo label = 0;
  NodeNo node = 0;
  PilotState state = PilotState::created;
  bool empty = false, there = false;
  bool held = false;  // now, or when it ended; of one whose sender does not tell: it never ran
  Wall first, running, exiting, ended, seen, due;
};
Brief brief_of(const Pilot& pilot, const AgeingRules& rules);

class Tally {
 public:
  explicit Tally(Names& names) : names_(names) {}

  void change(const Brief& before, const Brief& after, Wall now);  // `there` false: no such pilot before, or after
  // Reasons of faults are kept for nodes only.
  void fault_on(NodeNo node, const std::string& failure, const std::string& reason);

  [[nodiscard]] std::vector<PilotKey> due(Wall now, std::size_t most);  // live pilots that time changes
  [[nodiscard]] std::size_t live_pilots() const { return live_.size(); }
  [[nodiscard]] std::int64_t pilots() const { return pilots_; }
  // Steps of labels (Activity) whose figures have changed since the last call: to be written down.
  [[nodiscard]] std::set<std::pair<LabelNo, std::int64_t>> take_moved();
  void moved_again(const std::set<std::pair<LabelNo, std::int64_t>>& moved) {
    moved_.insert(moved.begin(), moved.end());
  }
  // A new snapshot: entries that have changed are made anew, and all whose last hours moved on.
  [[nodiscard]] std::shared_ptr<Snapshot> snapshot(Wall now, std::uint64_t version);

 private:
  void count(const Brief& b, int sign, Wall now);
  template <class KnownOne>
  void flow(KnownOne& known, const Brief& b, int sign, Wall now);
  void follow_node(const Brief& before, const Brief& after);

  Names& names_;
  std::unordered_map<PilotKey, std::uint32_t> live_;  // due, in seconds since 1970
  std::set<std::pair<LabelNo, std::int64_t>> moved_;
  std::int64_t pilots_ = 0;
  std::int64_t shown_step_ = 0;  // of the last snapshot
  std::size_t scan_ = 0;         // bucket of live_ that due() goes on with
};

}  // namespace apf::monitor
