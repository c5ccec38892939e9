// What the monitor knows of one pilot, and what it is told. Plain types; the rules are in pilot.h.
//
// On the wire a pilot is (factory, id in its batch system: "123.0"); inside it is one whole number, its key.
//
// Thread-safety: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apf/time.h"

namespace apf::monitor {

// Numbers that the store gives, from 1 on; 0 is none.
using FactoryNo = std::uint32_t;
using LabelNo = std::uint32_t;  // a label belongs to one factory
using NodeNo = std::uint32_t;
using PilotKey = std::int64_t;

// In the order in which a pilot goes. stale is the monitor's own: nothing was heard for too long. Before done: live.
enum class PilotState : std::uint8_t { created, running, exiting, stale, done, fault };
constexpr std::size_t kStates = 6;
const char* name(PilotState state);
std::optional<PilotState> read_state(std::string_view name);
constexpr bool live(PilotState s) { return s < PilotState::done; }

// Did it find work? From the number of payloads it told, or from exit codes of AutoPyFactory's wrappers (0: had one,
// 20: "miss").
enum class Work : std::uint8_t { unknown, had, empty };
const char* name(Work work);

// One entry of a pilot's time line.
struct Moment {
  Wall at;
  PilotState state = PilotState::created;  // what was told
  std::string source;  // who told: "factory", "wrapper", "udp", "monitor" and the address it came from
  std::string text;
  bool operator==(const Moment&) const = default;
};

// What only a person asks for, by name: "stdout", "stderr", "log", "jdl" (URLs), "worker", "harvester", "ce", "site",
// "gtag".
struct Detail {
  std::string name, value;
  bool operator==(const Detail&) const = default;
};

struct Pilot {
  PilotKey key = 0;
  FactoryNo factory = 0;
  LabelNo label = 0;  // 0: nobody has told yet
  std::string id;     // in its batch system
  PilotState state = PilotState::created;
  // When it was told to be so; 0: never. `seen`: the last news of any kind. `ended`: done or fault.
  Wall created, running, exiting, ended, seen;
  std::optional<std::int32_t> rc;
  std::optional<std::int32_t> payloads;
  bool payload_started = false;
  bool aged = false;  // its state is the monitor's own guess: news overrides it
  NodeNo node = 0;
  std::string failure;  // of a fault: its class in one word
  std::string reason;   // of a fault, or why it is held; for people
  // Has its batch system stopped it, or had when it ended? Unset: nobody tells. It is no state of APFMon's.
  std::optional<bool> held;
  std::string submission;
  std::optional<std::uint32_t> index;  // in its submission
  std::string payload_ids;             // with ',' between them
  std::vector<Detail> details;
  std::vector<Moment> line;
  int reports = 0;  // that it made itself, with its submission's key
  bool operator==(const Pilot&) const = default;

  [[nodiscard]] Work work() const;
  [[nodiscard]] Wall first() const;  // the earliest time that is known of it
};

// The key with which the pilots of a submission report: pilot_report.h.
struct ReportKey {
  std::string submission;
  std::uint32_t pilots = 0;  // that the submission has
};

// News of one pilot, of whatever protocol.
struct PilotNews {
  std::string id;
  std::string label;                       // may be empty when the pilot is known
  PilotState state = PilotState::created;  // never stale
  Wall at;                                 // when it happened; 0: now
  std::optional<std::int32_t> rc;
  std::optional<std::int32_t> payloads;
  bool payload_started = false;
  std::string node, failure, text, submission, payload_ids, profile, source;
  std::optional<std::uint32_t> index;
  std::optional<bool> held;
  std::string hold_reason;  // why, when it is
  std::vector<Detail> details;
  std::optional<ReportKey> key;  // of the pilot that told it itself
};

// News of a label; what is unset stays as it was.
struct LabelNews {
  std::string name;
  std::optional<std::string> wms_queue, batch_queue, site, cloud;
  std::optional<std::string> status;  // the decision in one line
  Wall at;                            // of the status; 0: now
};

// News of a factory; what is unset stays as it was.
struct FactoryNews {
  std::string name;
  std::optional<std::string> version, email, url, type;
  std::string address;                  // where it speaks from
  bool started = false;                 // it has started just now
  std::optional<Wall> credential_ends;  // the first of its credentials that ends
};

// A submission whose pilots report here.
struct SubmissionNews {
  std::string id;
  std::string digest;        // SHA-256 of its key, in hex
  std::uint32_t pilots = 0;  // that it has
};

// All that one call brings, of one factory. Whatever it names and is not known is made.
struct News {
  FactoryNews factory;
  std::vector<LabelNews> labels;
  std::vector<PilotNews> pilots;
  std::vector<SubmissionNews> submissions = {};
};

}  // namespace apf::monitor
