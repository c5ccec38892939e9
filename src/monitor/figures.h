// What the monitor holds in memory of factories, labels and nodes: all that overview pages, alarms and metrics need.
// The writer keeps it up to date; readers take a snapshot.
//
// Thread-safety: plain values; Board from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "monitor/model.h"

namespace apf::monitor {

// Pilots that are live, by state.
struct Live {
  std::int64_t created = 0, running = 0, exiting = 0, stale = 0;
  std::int64_t held = 0;  // of created: as far as it is told
  [[nodiscard]] std::int64_t all() const { return created + running + exiting + stale; }
  [[nodiscard]] std::int64_t of(PilotState state) const;  // 0 for those that have ended
  bool operator==(const Live&) const = default;
};

// What happened within some time.
struct Flow {
  std::int32_t created = 0, started = 0, done = 0, fault = 0;
  std::int32_t empty = 0;        // of done: found no work
  std::int32_t unstarted = 0;    // of fault: never ran (held, removed, refused by a CE)
  std::int64_t seconds_ran = 0;  // of those that ended
  std::int32_t held = 0;         // of unstarted: held when they ended; where nobody tells: all of them
  Flow& operator+=(const Flow& other);
  bool operator==(const Flow&) const = default;
};

// What happened lately, in steps of five minutes. Bounded: the steps of kKept.
class Activity {
 public:
  static constexpr std::int64_t kStepMs = 300'000;
  static constexpr std::int64_t kKept = 288;  // steps: 24 h
  // The step that `when` is in; null for one that is too old to be kept.
  Flow* at(Wall when, Wall now);
  // Sum over the steps that began within `ms` before now, the present one included.
  [[nodiscard]] Flow sum(Wall now, std::int64_t ms) const;
  // Oldest first, ending with the present step.
  [[nodiscard]] std::vector<Flow> last(Wall now, std::size_t steps) const;
  [[nodiscard]] const Flow* find(std::int64_t step) const;

 private:
  std::vector<std::pair<std::int64_t, Flow>> steps_;  // that are not empty, oldest first
};
constexpr std::size_t kRecentSteps = 24;  // two hours: for sparklines

struct Message {  // a label's status as it was told
  Wall at;
  std::string text;
  bool operator==(const Message&) const = default;
};

struct LabelFigures {
  LabelNo no = 0;
  std::uint64_t changed = 0;  // version of the snapshot in which it changed last
  FactoryNo factory = 0;
  std::string name, factory_name, wms_queue, batch_queue, site, cloud;
  Live live;
  Flow hour, day;            // the last hour and 24 h
  std::vector<Flow> recent;  // kRecentSteps of five minutes, oldest first
  Wall made, seen;           // seen: last news of any kind
  Wall last_created, last_started, last_ended;
  std::vector<Message> messages;  // the last five, newest first
  std::int64_t fault_run = 0;     // pilots that ended in fault since the last that did not
};

struct FactoryFigures {
  FactoryNo no = 0;
  std::uint64_t changed = 0;  // version of the snapshot in which it changed last
  std::string name, version, email, url, type, address;
  Wall made, seen, last_startup, last_cycle;  // last_cycle: its last decision of any label
  Wall credential_ends;                       // 0: not told
  std::int64_t labels = 0;
  Live live;
  Flow hour, day;
  std::vector<Flow> recent;  // kRecentSteps of five minutes, oldest first
};

struct NodeFigures {
  NodeNo no = 0;
  std::uint64_t changed = 0;  // version of the snapshot in which it changed last
  std::string name;
  Wall made, seen;
  Flow hour, day;
  std::int64_t fault_run = 0;  // pilots here that ended in fault since the last that did not
  std::int64_t running = 0;
  std::string last_failure, last_reason;
  std::string profile;           // JSON as its last pilot told it; may be empty
  std::vector<LabelNo> labels;   // of its last pilots
  std::vector<PilotKey> pilots;  // its last ones, newest first
};

// What is so at one moment. Entries are shared with earlier snapshots unless they changed.
struct Snapshot {
  Wall at;
  std::uint64_t version = 0;                                     // counts commits
  std::vector<std::shared_ptr<const FactoryFigures>> factories;  // by number
  std::vector<std::shared_ptr<const LabelFigures>> labels;
  std::vector<std::shared_ptr<const NodeFigures>> nodes;
  std::int64_t pilots = 0;    // that the store holds
  std::uint64_t news = 0;     // pilot news taken since the start
  std::uint64_t dropped = 0;  // refused under overload

  [[nodiscard]] const FactoryFigures* factory(FactoryNo no) const;
  [[nodiscard]] const LabelFigures* label(LabelNo no) const;
  [[nodiscard]] const NodeFigures* node(NodeNo no) const;
  // Of a factory, those that may have pilots of this state; 0 stands for pilots that nobody told the label of.
  [[nodiscard]] std::vector<LabelNo> labels_with(FactoryNo factory, PilotState state) const;
  [[nodiscard]] const FactoryFigures* factory(std::string_view name) const;
  [[nodiscard]] const LabelFigures* label(std::string_view factory, std::string_view name) const;
  [[nodiscard]] const NodeFigures* node(std::string_view name) const;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

// The present snapshot. It follows a commit within half a second.
class Board {
 public:
  [[nodiscard]] SnapshotPtr get() const;  // never null
  void put(SnapshotPtr snapshot);

 private:
  mutable std::mutex mutex_;
  SnapshotPtr snapshot_ = std::make_shared<const Snapshot>();
};

}  // namespace apf::monitor
