// Nodes that ruin pilots, and queues that do (R11). For the core only.
//
// A *black hole* is a node that ruins each pilot at once and takes the next: a few slots eat a queue. Evidence comes
// from how pilots ended (verdict.h), as soon as a wrapper reports it, else with the view or event that shows it.
//
// A node is excluded when its pilots fail *while those of other nodes do not*. Three things make that sure:
//   - chance: the failures are so many that a node which fails as often as the others would hardly show them (a
//     likelihood ratio against the rate of the queue's other nodes);
//   - contrast: pilots that started on other nodes between the node's first and last bad one (or just before, where the
//     bad ones had taken a job), and were submitted no earlier, live longer or got further. A WMS outage, a bad release
//     of the wrapper or a bad credential leaves none;
//   - number: at most a tenth of the queue's known nodes (one, where that is none) or 200.
// On a full site hardly any pilot starts elsewhere, while a bad slot ruins one every few seconds: contrast would come
// too late. So a node with enough failures that had taken jobs is *paused*, one at a time: it gets no pilots until one
// that started elsewhere has lived, or for two minutes. A pause concludes nothing; the node's next failure does, or its
// next success.
//
// What fails without contrast or beyond that number is the queue's fault: it is throttled to one pilot at a time, ever
// more rarely while they fail, and freed when a few have lived.
//
// An excluded node is probed with one pilot, after half an hour, then ever more rarely; it comes back when that one
// lives. Each queue judges for itself: what ruins the pilots of one may suit those of another.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "apf/time.h"
#include "core/verdict.h"

namespace apf::core {

class FactoryState;
struct Queue;
struct LivePilot;
struct End;

constexpr std::size_t kMostExcluded = 200;     // nodes of a queue
constexpr std::size_t kMostKnownNodes = 4096;  // of a queue that are remembered
constexpr std::size_t kMostRecent = 256;       // outcomes of a queue that are remembered
constexpr Duration kEvidenceAge = seconds{3600};

// A node is named by its host name's first part: batch systems say "wn1.example.org", wrappers perhaps "wn1".
using Host = std::uint32_t;  // into FactoryState::texts

struct KnownNode {
  Host host = 0;
  std::uint32_t hour = 0;  // last seen, on our clock
};

// A pilot's outcome, remembered while something is suspected.
struct Outcome {
  Host host = 0;
  std::uint32_t node = 0;  // its full name, in FactoryState::texts
  Verdict verdict = Verdict::none;
  bool fed = false;         // it had started a payload
  std::uint64_t order = 0;  // of submission: the number that the submission's first pilot has
  Mono started, at;         // at: when it became known
  float wall_s = 0;
  const char* why = "";  // of a bad one, in words
};

struct ExcludedNode {
  Host host = 0;
  std::string name;  // as the batch system calls it
  std::string why;
  Wall since;
  Mono next_probe;
  Duration survival{};  // a probe that is older than this lives
  int falls = 0;  // probes that failed, and exclusions before that soon came again: each doubles the wait for a probe
};

// A node that came back lately: it falls again on less evidence, and waits longer then.
struct ReleasedNode {
  Host host = 0;
  int falls = 0;
  Mono at;
};

// A node that gets no pilots until there is contrast.
struct PausedNode {
  Host host = 0;  // 0: none
  std::string name;
  Mono since;
};

// One pilot that may run where nobody else may.
struct Probe {
  std::string submission;  // empty: none is out
  Host host = 0;
  Mono asked_at;
};

struct Throttle {
  bool on = false;
  Mono since, next;
  Duration gap{};
  std::uint64_t order = 0;  // pilots from this number on were submitted under it
  int lived = 0;            // pilots that lived since, and were counted
  std::string why;
};

struct Health {
  bool chooses_nodes = false;    // the batch system lets us: else nobody is excluded
  std::vector<KnownNode> known;  // sorted by host
  std::vector<Outcome> recent;   // oldest first
  std::vector<ExcludedNode> excluded;
  std::vector<ReleasedNode> released;
  PausedNode paused;
  Probe probe;
  Mono next_probe;  // of whichever node
  Duration probe_gap{};
  // what pending pilots have been told
  bool tell_due = false, telling = false;
  Mono tell_after;
  Mono looked;      // when tend() last looked at the suspects
  Mono watch_from;  // pilots that started earlier were held against the queue before
  Throttle throttle;
};

// The pilot runs on its node: the queue knows it.
void note_node(FactoryState& s, const LivePilot& p, Mono now);
// The pilot has ended (or its wrapper says that it does). Once a pilot.
void note_outcome(FactoryState& s, LivePilot& p, const Ending& e, Mono started, Mono now, Wall shown);
// Before each decision: what time alone has shown (pilots that live), probes, the end of a throttle.
void tend(FactoryState& s, std::uint32_t queue, Mono now, Wall shown);
// When tend() has something to do without an event.
Mono next_tend(const FactoryState& s, const Queue& q, Mono now);

// Nodes that new pilots of the queue avoid; `probed`: all but this one.
std::vector<std::string> avoided(const Queue& q, Host probed = 0);
// The excluded node that the next pilot may try, or nullptr.
const ExcludedNode* due_for_probe(const Queue& q, Mono now);
void note_submitted(Queue& q, const std::string& submission, Host probed, Mono now);

// What survives a restart: exclusions as text under the ledger's cursor "nodes:<queue>".
std::string stored(const Health& h);
void restore_nodes(FactoryState& s, Queue& q, const std::string& text, Mono now);

// ---- nodes.cc, exclusions.cc and failing.cc, for each other ----
Host host_of(FactoryState& s, std::uint32_t node);
inline bool is_bad(const Outcome& o) {
  return o.verdict == Verdict::bad || o.verdict == Verdict::empty || o.verdict == Verdict::evicted;
}
inline bool speaks_against_queue(const Outcome& o) { return o.verdict == Verdict::bad || o.verdict == Verdict::fault; }
void know(Health& h, Host host, Mono now);
template <class H>  // Health or const Health
auto* excluded_at(H& h, Host host) {
  const auto at = std::find_if(h.excluded.begin(), h.excluded.end(), [&](const auto& e) { return e.host == host; });
  return at == h.excluded.end() ? nullptr : &*at;
}
// How often the node has fallen of late.
int falls_of(Health& h, Host host, Mono now);
// `e`: host, name, why and survival.
void exclude(FactoryState& s, std::uint32_t queue, ExcludedNode e, Mono now, Wall shown);
void pause(FactoryState& s, std::uint32_t queue, PausedNode node);
void end_pause(FactoryState& s, std::uint32_t queue);
// It has had a pilot all the same: the probe, or one that had been on its way.
void outcome_of_excluded(FactoryState& s, std::uint32_t queue, ExcludedNode& e, const Outcome& o, bool probing,
                         Mono now, Wall shown);
void tend_exclusions(FactoryState& s, std::uint32_t queue, bool allowed, Mono now, Wall shown);
// What proves that a pilot lives where others failed: it is older than twice what they reached, or, where none of them
// had started a payload, it has.
struct Proof {
  Duration age{};
  bool fed = false;  // a started payload is proof
};
Proof proof_against(const std::vector<Outcome>& recent, Host host, Mono since);
bool lives(const LivePilot& p, const Proof& proof, Mono now);
// A bad or faulty outcome: is it the whole queue?
void watch_queue(FactoryState& s, std::uint32_t queue, const Outcome& last, Mono now, Wall shown);
void end_throttle(FactoryState& s, std::uint32_t queue);
void tend_throttle(FactoryState& s, std::uint32_t queue, Mono now);
void throttle(FactoryState& s, std::uint32_t queue, const std::string& why, Mono now, Wall shown);

}  // namespace apf::core
