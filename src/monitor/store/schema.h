// The monitor's tables, for SQLite and PostgreSQL alike (db/db.h).
//
//   factory, label, node   what was told of each; numbers are the keys of memory (names.h)
//   pilot                  one row a pilot, by its key (keys.h); times in ms since 1970, 0: never
//   pilot_detail           what only a person asks for, by the same key
//   pilot_name             keys of pilots whose id is no number
//   history                figures of a label over time: width 5 (minutes) for two days, width 60 for a year
//   report_key             of submissions whose pilots report here (report_keys.h)
//   note                   small things that parts of the program keep, by name (alarms, ...)
#pragma once

#include <span>

#include "db/db.h"

namespace apf::monitor {

constexpr const char* kOwner = "apf monitor";
std::span<const db::Migration> migrations();

}  // namespace apf::monitor
