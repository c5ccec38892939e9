#include "engine/reports.h"

#include <string_view>
#include <utility>

#include "engine/engine.h"
#include "engine/replies.h"
#include "protocol/apfmon.h"

namespace apf::engine {
namespace {

namespace apfmon = protocol::apfmon;

std::string bearer(const net::Request& request) {
  constexpr std::string_view kScheme = "Bearer ";
  const auto at = request.headers.find("authorization");
  if (at == request.headers.end() || !at->second.starts_with(kScheme)) return {};
  return at->second.substr(kScheme.size());
}

core::PilotReported event_of(const apfmon::JobId& id, const apfmon::Report& r) {
  core::PilotReported e;
  e.submission = r.submission;
  e.index = r.index.value_or(0);
  e.batch_id = id.batch_id;
  e.state = apfmon::name(r.state);
  e.rc = r.rc;
  if (r.payloads) e.payloads = static_cast<std::int32_t>(std::min<std::int64_t>(*r.payloads, 1'000'000));
  e.payload_started = r.payload_started;
  e.node = r.node.substr(0, 256);
  return e;
}

// What is wrong with a report, as status and error; 0: nothing.
net::Response refusal(const Engine& engine, const net::Request& request, const Result<apfmon::JobId>& id,
                      const Result<apfmon::Report>& report) {
  if (request.method != "POST" && request.method != "PUT")
    return error_reply(405, "report.method", "reports are posted");
  if (!id) return error_reply(id.error());
  if (id->factory_id != engine.me()->factory_id)
    return error_reply(404, "report.other_factory", "this is not the factory that the pilot belongs to");
  if (!report) return error_reply(report.error());
  if (report->submission.empty() || !engine.report_key_fits(report->submission, bearer(request)))
    return error_reply(401, "report.unauthorized", "the report key does not fit the submission");
  net::Response fine;
  fine.status = 0;
  return fine;
}

}  // namespace

void answer_report(Engine& engine, const net::Request& request, const net::ReplyPtr& reply) {
  const auto id = apfmon::read_job_path(request.path.substr(kReportBase.size()));
  const auto report = apfmon::read_report(request.body);
  if (auto wrong = refusal(engine, request, id, report); wrong.status != 0) {
    engine.count_refused_report();
    return reply->send(std::move(wrong));
  }
  engine.report(event_of(*id, *report));
  net::Response ok;
  ok.body = "{\"success\":true}\n";
  reply->send(std::move(ok));
}

}  // namespace apf::engine
