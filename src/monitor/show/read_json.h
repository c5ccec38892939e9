// What is read of the monitor, as JSON (docs/monitor-api.json). Times are ISO 8601 in UTC, or null; ages are up to the
// reader, who has "at".
//
// Thread-safety: pure functions.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "monitor/figures.h"
#include "monitor/model.h"
#include "monitor/show/links.h"
#include "monitor/store/history.h"

namespace apf::monitor {

nlohmann::json factory_json(const FactoryFigures& f);
nlohmann::json label_json(const LabelFigures& l);  // a row of the overview
nlohmann::json node_json(const NodeFigures& n, const Snapshot& all);
// With its messages and the nodes on which its pilots fail.
nlohmann::json label_page_json(const LabelFigures& l, const Snapshot& all, const Links& links);
nlohmann::json pilot_json(const Pilot& p, const Snapshot& all);                           // a row of a list
nlohmann::json pilot_page_json(const Pilot& p, const Snapshot& all, const Links& links);  // with details and time line
nlohmann::json history_json(const std::vector<HistoryRow>& rows);
nlohmann::json snapshot_json(const Snapshot& all);  // without its rows: "at", "version", "pilots", ...
// Rows that changed after the snapshot `since`; of one factory when `factory` is not 0.
nlohmann::json overview_json(const Snapshot& all, std::uint64_t since, FactoryNo factory);

}  // namespace apf::monitor
