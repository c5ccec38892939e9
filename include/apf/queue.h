// A queue: one flow of pilots from a WMS queue to a batch target (DESIGN section 2), as configured.
//
// Thread-safety: plain values; shared as pointers to const.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apf/options.h"

namespace apf {

struct StepSpec {
  std::string use;  // name of the sched plug-in
  Options options;
  bool operator==(const StepSpec&) const = default;
};

enum class Retire : std::uint8_t { none, pending, unfed, running };  // RULES R7
enum class Mode : std::uint8_t { active, shadow };                   // RULES R14

struct QueueSpec {
  std::string name;
  std::string wms, wms_queue;               // section [wms.X] and the queue's name in it
  std::string batch;                        // section [batch.X]
  std::string site, cloud;                  // for people, who look at queues by these in monitors; may be empty
  std::vector<std::string> job_labels;      // empty: all
  std::vector<std::string> resource_types;  // empty: all
  std::vector<StepSpec> sched;
  double weight = 1.0;  // share of demand that several queues serve (R10)
  bool enabled = true;
  Mode mode = Mode::active;
  Retire retire = Retire::none;
  bool retire_newest_first = true;
  std::int64_t trial = 5;                       // most pilots that may be held yet, where they are no fifth of all (R3)
  Duration held_release = seconds{600};         // a held pilot gets another try after this, doubled each time; 0: none
  std::int64_t held_tries = 3;                  // so often
  Duration held_remove = seconds{6 * 3600L};    // and is removed after this; 0: never
  Duration running_remove{}, pending_remove{};  // likewise one that runs or waits for so long; 0: never
  std::string renamed_from;                     // takes over the pilots of a queue that is gone (R14)
  std::string executable;                       // what a pilot runs; empty: the built-in wrapper
  std::vector<std::string> arguments;
  std::int64_t next_wrapper = 0;  // per cent of its pilots that take the factory's next wrapper, where there is one
  Table environment;
  std::vector<std::string> input_files;    // copied into each pilot's working directory, mode 0600 (tokens, proxies)
  Duration min_pilot_time = seconds{120};  // a pilot that ends sooner can't have done any work (R11)
  bool exclude_nodes = true;               // from nodes that ruin pilots (R11)
  Duration keep_logs = seconds{7L * 86400};
  Options submit;  // the batch plug-in's options of scope queue
  Origin origin;   // never part of equality
  bool operator==(const QueueSpec& o) const;
};

}  // namespace apf
