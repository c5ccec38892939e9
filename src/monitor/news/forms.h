// Bodies of requests -> News. All text is made safe for store and logs: valid UTF-8, no control characters, cut to a
// sensible length; names and ids that are empty or not safe are refused.
//
// Protocols: APFMon's REST as AutoPyFactory, Harvester and aCT speak it (captured; docs/monitor-protocols.md): forms
// and JSON are told apart by the first character, since clients send JSON as application/x-www-form-urlencoded; and our
// own POST /api/v1/news (docs/monitor-api.json). Errors (permanent): "monitor.bad_body" with the place of what is
// wrong. Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"
#include "monitor/model.h"

namespace apf::monitor {

constexpr std::size_t kMostAtOnce = 1000;  // pilots or labels in a body; submissions, too

// PUT factories/<name>: {"url", "version", "email", "type"}, any may be missing.
Result<FactoryNews> read_factory(std::string_view body);
// PUT labels: [{"name", "factory", "wmsqueue", "batchqueue", "resource", ...}], of one factory or several.
Result<std::vector<News>> read_labels(std::string_view body);
// POST labels/<factory>:<label>: status=<text>, or {"status": <text>, "data": ...}.
Result<LabelNews> read_label_status(std::string_view body);
// PUT jobs: [{"cid", "factory", "label", "stdouturl", ...}], of one factory or several.
Result<std::vector<News>> read_jobs(std::string_view body);
// POST jobs/<factory>:<id>: state=created|running|exiting|done|fault, rc, ids, and the fields of protocol/apfmon.h.
Result<PilotNews> read_job_state(std::string_view body);
// POST /api/v1/news.
Result<News> read_news(std::string_view body);

// Valid UTF-8 without control characters, of at most `most` bytes.
std::string clean(std::string_view text, std::size_t most);
bool good_name(std::string_view name);  // of a factory, a label, a pilot's id: 1 to 200 bytes that clean() leaves alone

}  // namespace apf::monitor
