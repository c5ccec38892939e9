// What is wrong, in words that a shifter can act on: what the rules find, and what stands as an alarm.
//
// Thread-safety: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apf/time.h"

namespace apf::monitor {

// Stable codes: docs/monitor.md lists them.
//   factory.silent      nothing was heard of a factory that spoke before
//   factory.credential  one of its credentials ends soon
//   label.no_start      pilots wait and none starts
//   label.faults        too many of its pilots end in fault
//   label.held          too many of its pilots end without having run: held, removed, refused
//   node.eats_pilots    pilots fail on this node while they do well elsewhere
struct Finding {
  std::string code{};
  std::string factory{}, label{}, node{};  // what it is about; those that do not apply are empty
  std::string text{};                      // one sentence with its numbers
  std::string advice{};                    // what to do, one sentence
  std::vector<std::string> evidence{};     // for a ticket, a line each
  Duration after{};                        // becomes an alarm when it has been so for this long
  std::int64_t episode = 0;                // when this number changes, it begins anew

  // "factory F", "label F:L", "node N": what a person calls it.
  [[nodiscard]] std::string subject() const;
};

struct Acknowledged {
  std::string who, note;
  Wall at;  // 0: nobody has
};

struct Alarm {
  Finding found;
  Wall since, changed;
  Acknowledged acknowledged;
  bool muted = false;
};

// Alarms of this code and subject are listed, and told to nobody. An empty code or subject means any.
struct Mute {
  std::string code, subject, who, reason;
  Wall since, until;  // until 0: for good
  [[nodiscard]] bool covers(const Finding& f, Wall now) const;
};

// Something to be told to people.
struct Notice {
  bool raised = true;  // false: it is over
  Alarm alarm;
};

// A text to paste into a ticket.
std::string ticket_text(const Alarm& alarm, const std::string& monitor_url);

}  // namespace apf::monitor
