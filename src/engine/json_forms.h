// The JSON that people's tools see: of the HTTP API, of `apf status --json` and its likes. Pure functions, so that the
// daemon and the command line write the same forms; tests/golden pins them. Fields are only ever added within v1.
//
// Units: times are ISO 8601 UTC (null: unknown), ages seconds (null: never), counts pilots or jobs.
// Thread-safety: pure functions.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/factory.h"
#include "engine/journal_reader.h"

namespace apf::engine {

using QueueSnapshots = std::vector<std::shared_ptr<const core::QueueSnapshot>>;

struct Moment {  // ages are reckoned from here
  Mono mono;
  Wall wall;
};

// A part of the pilots that a question matches, ordered by number.
struct PilotPage {
  std::vector<core::Pilot> pilots;
  std::uint64_t next = 0;  // ask again with after=next for those that follow; 0: these are the last
};

struct Health {
  bool ok = true;
  std::vector<std::string> reasons;  // why not, in words
};
// Not healthy: stopping, the ledger does not work, or all WMS or all batch sources give no usable view. A single
// source's trouble is an alarm, and no reason to restart the factory. `factory` null: it has not begun.
Health health(const core::FactorySnapshot* factory);

std::string status_json(const core::FactorySnapshot& factory, const QueueSnapshots& queues, Moment now);
std::string queues_json(const QueueSnapshots& queues, Moment now);
std::string queue_json(const core::QueueSnapshot& queue, Moment now);  // with its last decision in full
std::string pilots_json(const PilotPage& page);
std::string decisions_json(std::span<const DecisionEntry> decisions);
std::string health_json(const Health& health, const core::FactorySnapshot* factory);
std::string error_json(const Error& error);
std::string reload_json(const std::string& changed);  // what a reload changed, in words

}  // namespace apf::engine
