// The job form of APFMon: how a pilot's wrapper reports to its factory, and how a factory forwards that to a monitor.
//
// Protocol: POST <APFMON>/jobs/<factory id>:<batch id>, form-urlencoded `state=running|exiting|fault` and `rc=N` as
// AutoPyFactory's wrappers send them; all other fields are extensions.
// Errors: "apfmon.bad_path", "apfmon.bad_form".
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apf/result.h"

namespace apf::protocol::apfmon {

enum class State : std::uint8_t { running, exiting, fault };
const char* name(State state);

// The pilot that a report is about.
struct JobId {
  std::string factory_id, batch_id;
  bool operator==(const JobId&) const = default;
};
std::string job_path(const JobId& id);                  // "/jobs/<factory id>:<batch id>", percent-encoded
Result<JobId> read_job_path(std::string_view decoded);  // of a decoded path below the base: "/jobs/f:12.0"

struct Report {
  State state = State::running;
  std::optional<int> rc;               // the wrapper's exit code, with exiting and fault
  std::string submission;              // ours; empty: a foreign wrapper
  std::optional<std::uint32_t> index;  // of the pilot in its submission
  std::string node;
  std::optional<std::int64_t> payloads;  // so far; with exiting, 0: the pilot found no work
  bool payload_started = false;          // the first payload runs since now
  std::string failure;                   // with fault: its class in one word: "disk", "cvmfs", what a script says
  std::string text;                      // a sentence about it, for people; cut to 256 bytes
  std::optional<std::int64_t> keeps;     // seconds that the pilot still keeps its slot, without work (R11)
  std::string ids;                       // of the payloads that ran, with ',' between them; at most 1000 bytes
  std::string profile;                   // what the node is, JSON (docs/wrapper.md); not for the core
  bool operator==(const Report&) const = default;
};
std::string write_report(const Report& report);
Result<Report> read_report(std::string_view body);  // unknown fields are left alone

}  // namespace apf::protocol::apfmon
