// Pilots as rows: between the spool's records, the log of ended pilots and apf::PilotSeen.
//
// Thread-safety: pure functions.
#pragma once

#include "apf/batch.h"
#include "keeper/spool.h"

namespace apf::local {

// Rows say whether another instance of this factory submitted them (RULES R9).
PilotSeen pending_row(const Order& order, std::uint32_t index, const std::string& instance);
void put(PilotSeen& row, const Taken& taken);
void put(PilotSeen& row, const End& end);

// A line of the log: the row and whose it is.
Record log_record(const Order& order, const PilotSeen& row);
PilotSeen row_of(const Record& record, const std::string& instance);

}  // namespace apf::local
