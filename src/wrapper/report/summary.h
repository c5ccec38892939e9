// What a pilot did, for its last line, its exit code and its last report.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apf/time.h"

namespace apf::wrapper {

constexpr const char* kReasonNoWork = "no work";

struct Summary {
  int rc = 0;
  std::string reason{};   // why the pilot ended: kReasonNoWork, "lifetime", ...
  std::string failure{};  // of a node's check: its class
  std::int64_t payloads = 0, failed = 0;
  std::int64_t left_behind = 0;  // processes that payloads left behind
  Duration payload_wall{}, payload_cpu{};
  std::vector<std::int64_t> ids{};  // of the payloads, at most kMostIds of the first ones
};
constexpr std::size_t kMostIds = 30;

// In one word for machines: done, no_work, payload_fault, node_fault, wrapper_fault, credential_fault, wms_fault,
// configuration, told_to_end.
const char* outcome(const Summary& summary);
// `telling`: no work and failed payloads have codes of their own (exit_codes.h), else both are 0.
int exit_code(const Summary& summary, bool telling);

}  // namespace apf::wrapper
