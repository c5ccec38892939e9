// Pilots as rows.
//
// Thread-safety: pure functions over a Db, which belongs to one thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "db/db.h"
#include "monitor/model.h"

namespace apf::monitor {

// Columns of table pilot in the order in which read_pilot() and the statements below have them.
#define APF_PILOT_COLUMNS                                                                                         \
  "id, label, state, created, running, exiting, ended, seen, flags, rc, payloads, node, place, failure, reason, " \
  "submission, payload_ids, line"

// Without `details` and, for a numbered key (keys.h), without `id`: see complete().
Pilot read_pilot(const db::Row& row);
// Those that are there, by key.
Result<std::map<PilotKey, Pilot>> load_pilots(db::Db& db, std::span<const PilotKey> keys);
Status load_details(db::Db& db, std::span<Pilot* const> pilots);
// Fills in what other tables have: details, and ids that are no numbers.
Status complete(db::Db& db, Pilot& pilot);
Status insert_pilots(db::Db& db, std::span<const Pilot* const> pilots);
Status update_pilots(db::Db& db, std::span<const Pilot* const> pilots);  // with details where they are not empty

// A time line as text: a line a moment.
std::string write_line(const std::vector<Moment>& line);
std::vector<Moment> read_line(const std::string& text);

}  // namespace apf::monitor
