// Figures of labels over time, as charts show them.
//
// Thread-safety: pure functions over a Db, which belongs to one thread.
#pragma once

#include <vector>

#include "db/db.h"
#include "monitor/figures.h"

namespace apf::monitor {

enum class Width : std::int64_t { step = 5, hour = 60 };  // minutes

struct HistoryRow {
  Wall at;  // when the step or hour began
  Flow flow;
  Live live;  // as it was last seen in it
};

// Of [from, to), oldest first; what nobody saw is left out. Follows the present by a minute.
Result<std::vector<HistoryRow>> history(db::Db& db, LabelNo label, Width width, Wall from, Wall to);

// The same in longer steps (ms): what happened in all of each, and what was live last.
std::vector<HistoryRow> in_steps_of(const std::vector<HistoryRow>& rows, std::int64_t ms);

struct HistoryEntry {
  LabelNo label = 0;
  Width width = Width::step;
  HistoryRow row;
};
// Replaces what stands there; `live` only where `with_live`.
Status write_history(db::Db& db, const std::vector<HistoryEntry>& entries, bool with_live);

}  // namespace apf::monitor
