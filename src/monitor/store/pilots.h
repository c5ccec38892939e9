// Reading pilots for people.
//
// Thread-safety: pure functions over a Db, which belongs to one thread.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "db/db.h"
#include "monitor/model.h"

namespace apf::monitor {

// With details and time line; nothing when it is not known.
Result<std::optional<Pilot>> find_pilot(db::Db& db, PilotKey key);
// By its id in the batch system.
Result<std::optional<Pilot>> find_pilot(db::Db& db, FactoryNo factory, std::string_view id);

struct PilotFilter {
  LabelNo label = 0;  // one of these two
  FactoryNo factory = 0;
  std::vector<LabelNo> labels = {};  // of a factory and a state: where such pilots may be (Snapshot::labels_with)
  std::optional<PilotState> state = {};
  PilotKey before = INT64_MAX;  // only keys below: where the page before ended
  std::int64_t limit = 50;      // at most 1000
  std::int64_t offset = 0;
};
// Newest first, without details.
Result<std::vector<Pilot>> list_pilots(db::Db& db, const PilotFilter& filter);

}  // namespace apf::monitor
