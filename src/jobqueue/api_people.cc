// The calls that people and their tools make: status, lists, kill, sites.
#include <charconv>
#include <nlohmann/json.hpp>

#include "jobqueue/api.h"
#include "protocol/panda.h"
#include "protocol/panda_envelope.h"
#include "protocol/panda_fields.h"

namespace apf::jobqueue {
namespace {

namespace panda = protocol::panda;
using nlohmann::json;

constexpr std::size_t kMostIds = 10000;
constexpr std::size_t kMostListed = 10000;

net::Response data(const json& value) {
  net::Response r;
  r.body = panda::close_envelope(true, "", value);
  return r;
}

tl::unexpected<Error> bad(std::string what) { return fail(Kind::permanent, panda::kBadRequest, std::move(what)); }

Result<std::int64_t> number(const std::string& text, const char* key) {
  std::int64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size() || n < 0)
    return bad("'" + std::string(key) + "' must be a whole number, got '" + text.substr(0, 40) + "'");
  return n;
}

std::string query(const net::Request& r, const char* key) {
  const auto it = r.query.find(key);
  return it == r.query.end() ? std::string() : it->second;
}

// job_ids=4&job_ids=5
Result<std::vector<std::int64_t>> query_ids(const net::Request& r) {
  std::vector<std::int64_t> ids;
  const auto [first, last] = r.query.equal_range("job_ids");
  for (auto it = first; it != last; ++it) {
    auto id = number(it->second, "job_ids");
    if (!id) return fail(std::move(id.error()));
    ids.push_back(*id);
  }
  if (ids.empty()) return bad("'job_ids' is missing");
  if (ids.size() > kMostIds) return bad("at most 10000 'job_ids' are taken at once");
  return ids;
}

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json();
}
json time_or_null(Wall t) { return t.ms == 0 ? json() : json(iso8601(t)); }

// A JobSpec with what became of it, by PanDA's names.
json describe(const JobRow& row) {
  json j = json::parse(row.spec, nullptr, false);
  j["PandaID"] = row.id;
  j["jobStatus"] = name(row.status);
  j["attemptNr"] = row.attempt;
  j["modificationHost"] = row.node;
  j["creationTime"] = time_or_null(row.submitted);
  j["startTime"] = time_or_null(row.started);
  j["endTime"] = time_or_null(row.ended);
  j["transExitCode"] = or_null(row.exit_code);
  j["cpuConsumptionTime"] = or_null(row.cpu_s);
  j["apf_wall_s"] = or_null(row.wall_s);
  j["pilotErrorDiag"] = row.error;
  j["apf_to_be_killed"] = row.kill && !ended(row.status);
  return j;
}

}  // namespace

// The rows of job_ids; a row with id 0 for one that is not known.
Result<std::vector<JobRow>> Api::rows_of(const net::Request& r, std::vector<std::int64_t>& ids) {
  auto asked = query_ids(r);
  if (!asked) return fail(std::move(asked.error()));
  ids = std::move(*asked);
  std::vector<JobRow> rows;
  for (const std::int64_t id : ids) {
    auto row = store_.find(id);
    if (!row) return fail(std::move(row.error()));
    rows.push_back(row->value_or(JobRow{}));
  }
  return rows;
}

net::Response Api::pilot_status(const net::Request& r, Now) {
  std::vector<std::int64_t> ids;
  const auto rows = rows_of(r, ids);
  if (!rows) return answer(rows.error());
  json out = json::array();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const JobRow& row = (*rows)[i];
    const bool known = row.id != 0;
    out.push_back({{"job_id", ids[i]},
                   {"status", known ? name(row.status) : "not found"},
                   {"attempt_number", known ? row.attempt : 0}});
  }
  return data(out);
}

// PanDA's form: [[status, command to the pilot], ...]
net::Response Api::status(const net::Request& r, Now) {
  std::vector<std::int64_t> ids;
  const auto rows = rows_of(r, ids);
  if (!rows) return answer(rows.error());
  json out = json::array();
  for (const JobRow& row : *rows)
    out.push_back({row.id == 0 ? "unknown" : name(row.status), row.kill && leased(row.status) ? "tobekilled" : "NULL"});
  return data(out);
}

net::Response Api::description(const net::Request& r, Now) {
  std::vector<std::int64_t> ids;
  const auto rows = rows_of(r, ids);
  if (!rows) return answer(rows.error());
  json out = json::array();
  for (const JobRow& row : *rows) out.push_back(row.id == 0 ? json() : describe(row));
  return data(out);
}

net::Response Api::list(const net::Request& r, Now) {
  JobFilter filter;
  filter.site = query(r, "site");
  if (const std::string text = query(r, "status"); !text.empty()) {
    filter.status = job_status(text);
    if (!filter.status) return answer(bad("'status' is no status of a job: '" + text.substr(0, 40) + "'").value());
  }
  for (const auto& [key, to] : {std::pair<const char*, std::int64_t*>{"after", &filter.after}}) {
    if (query(r, key).empty()) continue;
    const auto n = number(query(r, key), key);
    if (!n) return answer(n.error());
    *to = *n;
  }
  if (const std::string text = query(r, "limit"); !text.empty()) {
    const auto n = number(text, "limit");
    if (!n) return answer(n.error());
    filter.most = std::min(static_cast<std::size_t>(*n), kMostListed);
  }
  const auto rows = store_.list(filter);
  if (!rows) return answer(rows.error());
  json out = json::array();
  for (const JobRow& row : *rows) out.push_back(describe(row));
  return data(out);
}

// Counts of everything that is kept, ended jobs too: [{site, resource_type, label, jobs: {status: n}}]
net::Response Api::summary(const net::Request&, Now) {
  json cells = json::array();
  for (const auto& [id, cell] : store_.cells().all()) {
    json jobs = json::object();
    for (int i = 0; i < kJobStatuses; ++i)
      if (const auto s = static_cast<JobStatus>(i); cell.of(s) > 0) jobs[name(s)] = cell.of(s);
    if (jobs.empty()) continue;
    cells.push_back({{"site", cell.key.site},
                     {"resource_type", cell.key.resource_type},
                     {"label", cell.key.label},
                     {"jobs", std::move(jobs)}});
  }
  json sites = json::object();
  for (const auto& [site, status] : store_.sites()) sites[site] = status;
  return stats_response(panda::close_envelope(true, "", {{"cells", cells}, {"sites", sites}}));
}

net::Response Api::kill(const net::Request& r, Now now) {
  const auto body = protocol::json_value::parse(r.body, panda::kBadRequest);
  if (!body) return answer(body.error());
  panda::Fields f(*body, panda::kBadRequest);
  const json* list = f.find("job_ids", true);
  if (list == nullptr) return answer(f.error());
  if (!list->is_array() || list->empty() || list->size() > kMostIds)
    return answer(bad("'job_ids' must be a list of 1 to 10000 numbers").value());
  std::vector<std::int64_t> ids;
  for (const json& one : *list) {
    const auto id = protocol::json_value::integer(one, "job_ids", panda::kBadRequest, 1, INT64_MAX);
    if (!id) return answer(id.error());
    ids.push_back(*id);
  }
  const auto killed = store_.kill(ids, now);
  if (!killed) return answer(killed.error());
  return data(json(*killed));
}

net::Response Api::set_site(const net::Request& r, Now) {
  const auto body = protocol::json_value::parse(r.body, panda::kBadRequest);
  if (!body) return answer(body.error());
  std::string site;
  std::string status;
  panda::Fields f(*body, panda::kBadRequest);
  if (f.ok()) {
    f.text("site", site, panda::kLongestName, true);
    f.text("status", status, panda::kLongestName, true);
  }
  if (!f.ok()) return answer(f.error());
  if (status != "online" && status != "test" && status != "offline" && status != "brokeroff")
    return answer(bad("'status' must be online, test, offline or brokeroff, got '" + status + "'").value());
  if (auto ok = store_.set_site(site, status); !ok) return answer(ok.error());
  return data(nullptr);
}

}  // namespace apf::jobqueue
