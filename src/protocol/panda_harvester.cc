#include "protocol/panda_harvester.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "protocol/form.h"
#include "protocol/panda.h"
#include "protocol/panda_envelope.h"

namespace apf::protocol::panda {
namespace {

using json_value::Json;

// What a database column takes: no control characters, at most so many bytes, no half of a UTF-8 character.
std::string column(const std::string& text, std::size_t longest) {
  std::string out = text;
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  if (out.size() <= longest) return out;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0U) == 0x80U) --end;
  out.resize(end);
  return out;
}

// The server's mark of a time: "datetime/2026-11-22 09:30:00.250000", UTC.
std::string time_text(Wall at) {
  std::string text = iso8601(at);  // 2026-11-22T09:30:00Z
  text.replace(text.find('T'), 1, " ");
  text.pop_back();
  std::string ms = std::to_string(at.ms % 1000);
  return "datetime/" + text + "." + std::string(3 - ms.size(), '0') + ms + "000";
}

void put(Json& out, const char* name, const std::string& text, std::size_t longest) {
  if (!text.empty()) out[name] = column(text, longest);
}
// A link that is cut leads nowhere.
void put_url(Json& out, const char* name, const std::string& url) {
  if (!url.empty() && url.size() <= 250) out[name] = url;
}
void put(Json& out, const char* name, Wall at) {
  if (at.ms > 0) out[name] = time_text(at);
}

Json worker_json(const Worker& w) {
  Json out = Json::object();
  out["workerID"] = w.id;
  out["status"] = w.status;
  put(out, "batchID", w.batch_id, 80);
  put(out, "queueName", w.queue, 80);
  put(out, "computingSite", w.site, 128);
  put(out, "nodeID", w.node, 80);
  put(out, "resourceType", w.resource_type, 56);
  put(out, "jobType", w.label, 52);
  put(out, "computingElement", w.computing_element, 128);
  put(out, "submissionHost", w.submission_host, 128);
  put(out, "harvesterHost", w.harvester_host, 128);
  put(out, "nativeStatus", w.native_status, 80);
  put(out, "diagMessage", w.message, 500);
  put_url(out, "stdOut", w.out_url);
  put_url(out, "stdErr", w.err_url);
  put_url(out, "batchLog", w.log_url);
  if (w.cores > 0) out["nCore"] = w.cores;
  if (w.exit_code) out["nativeExitCode"] = *w.exit_code;
  put(out, "submitTime", w.submitted);
  put(out, "startTime", w.started);
  put(out, "endTime", w.ended);
  return out;
}

Json workers_json(std::span<const Worker> workers) {
  Json list = Json::array();
  for (const Worker& w : workers) list.push_back(worker_json(w));
  return list;
}

Result<std::size_t> count_true(const Json& list) {
  if (!list.is_array())
    return fail(Kind::transient, kBadReply,
                std::string("expected a list of truths, got ") + json_value::describe(list));
  return static_cast<std::size_t>(
      std::count_if(list.begin(), list.end(), [](const Json& one) { return one.is_boolean() && one.get<bool>(); }));
}

// The old answers: [true, what] or [false, "why"].
Result<Json> open_pair(int http_status, std::string_view body) {
  if (auto ok = check_status(http_status, body, Kind::transient); !ok) return fail(std::move(ok.error()));
  auto json = json_value::parse(body, "panda.not_json");
  if (!json) {
    json.error().kind = Kind::transient;
    return json;
  }
  if (!json->is_array() || json->size() != 2 || !(*json)[0].is_boolean())
    return fail(Kind::transient, kBadReply, "expected a truth and a value, got " + std::string(body.substr(0, 80)));
  if (!(*json)[0].get<bool>())
    return fail(Kind::transient, "panda.refused", "the server refused: " + json_value::dump((*json)[1]).substr(0, 300));
  return std::move((*json)[1]);
}

}  // namespace

std::string write_workers(const std::string& harvester_id, std::span<const Worker> workers) {
  Json out = Json::object();
  out["harvester_id"] = harvester_id;
  out["workers"] = workers_json(workers);
  return json_value::dump(out);
}

std::string write_legacy_workers(const std::string& harvester_id, std::span<const Worker> workers) {
  return write_form(std::array{FormField{"harvesterID", harvester_id},
                               FormField{"workers", json_value::dump(workers_json(workers))}});
}

Result<std::size_t> read_workers_taken(int http_status, std::string_view body) {
  const auto data = open_envelope(http_status, body, Kind::transient);
  if (!data) return fail(data.error());
  return count_true(*data);
}

Result<std::size_t> read_legacy_workers_taken(int http_status, std::string_view body) {
  const auto data = open_pair(http_status, body);
  if (!data) return fail(data.error());
  return count_true(*data);
}

std::string write_worker_counts(const std::string& harvester_id, const std::string& site, const WorkerCounts& counts) {
  Json out = Json::object();
  out["harvester_id"] = harvester_id;
  out["panda_queue"] = site;
  out["statistics"] = json_value::dump(Json(counts));  // a text that holds JSON
  return json_value::dump(out);
}

std::string write_legacy_worker_counts(const std::string& harvester_id, const std::string& site,
                                       const WorkerCounts& counts) {
  return write_form(std::array{FormField{"harvesterID", harvester_id}, FormField{"siteName", site},
                               FormField{"paramsList", json_value::dump(Json(counts))}});
}

Status read_counts_taken(int http_status, std::string_view body) {
  const auto data = open_envelope(http_status, body, Kind::transient);
  if (!data) return fail(data.error());
  return {};
}

Status read_legacy_counts_taken(int http_status, std::string_view body) {
  const auto data = open_pair(http_status, body);
  if (!data) return fail(data.error());
  return {};
}

}  // namespace apf::protocol::panda
