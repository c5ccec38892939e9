// What news does to a pilot, and what time does. Forward moves only:
//
//   created -> running -> exiting -> done        any of them may be left out, times fill in in any order
//   any -> fault                                 and it stays so; the first reason stays
//   created, running -> stale -> fault           when nothing is heard for too long
//   exiting -> done                              likewise
//
// What time did is a guess: news that tells anything takes it back. News that tells nothing new changes `seen` only.
//
// Thread-safety: pure functions.
#pragma once

#include "apf/time.h"
#include "monitor/model.h"

namespace apf::monitor {

struct AgeingRules {
  Duration created_stale = seconds{6 * 3600};   // created for so long: stale
  Duration running_stale = seconds{72 * 3600};  // running for so long: stale
  Duration exiting_done = seconds{30 * 60};     // exiting for so long: done
  Duration stale_fault = seconds{24 * 3600};    // stale, and no news for so long: fault
};

// A pilot that has just been heard of.
Pilot new_pilot(PilotKey key, FactoryNo factory, LabelNo label, const PilotNews& news);
// `node` is the number of news.node. False: it told nothing new.
bool apply(Pilot& pilot, const PilotNews& news, NodeNo node, Wall now);
// Has its batch system begun to count anew, so that this news is of another pilot with the same id?
bool is_another(const Pilot& pilot, const PilotNews& news, Wall now);

// When time will change it; 0: never.
Wall due(const Pilot& pilot, const AgeingRules& rules);
// Changes it if it is due.
bool age(Pilot& pilot, const AgeingRules& rules, Wall now);

}  // namespace apf::monitor
