// Routing, access, and the calls of pilots and factories.
#include "jobqueue/api.h"

#include <algorithm>
#include <array>

#include "net/gunzip.h"
#include "protocol/panda_legacy.h"

namespace apf::jobqueue {
namespace {

namespace panda = protocol::panda;

net::Response json(std::string body) {
  net::Response r;
  r.body = std::move(body);
  return r;
}

}  // namespace

const Call* find_call(const std::string& path) {
  static const std::array calls = {
      Call{panda::kIsAlive, "GET", Scope::anybody, false, &Api::is_alive},
      Call{panda::kDetailedStats, "GET", Scope::read, true, &Api::detailed_stats},
      Call{panda::kSiteStats, "GET", Scope::read, true, &Api::site_stats},
      Call{panda::kSiteSpecs, "GET", Scope::read, true, &Api::site_specs},
      Call{panda::kAcquireJobs, "POST", Scope::pilot, false, &Api::acquire},
      Call{panda::kUpdateJob, "POST", Scope::pilot, false, &Api::update},
      Call{panda::kPilotJobStatus, "GET", Scope::pilot, false, &Api::pilot_status},
      Call{panda::kSubmitJobs, "POST", Scope::submit, false, &Api::submit},
      Call{panda::kKillJobs, "POST", Scope::submit, false, &Api::kill},
      Call{"/api/v1/job/get_status", "GET", Scope::read, false, &Api::status},
      Call{"/api/v1/job/get_description", "GET", Scope::read, false, &Api::description},
      Call{"/api/v1/apf/list_jobs", "GET", Scope::read, false, &Api::list},
      Call{"/api/v1/apf/summary", "GET", Scope::read, true, &Api::summary},
      Call{"/api/v1/apf/set_site", "POST", Scope::submit, false, &Api::set_site},
      Call{panda::kWorkerStatus, "POST", Scope::pilot, false, &Api::worker_status},
      Call{panda::kWorkerNode, "POST", Scope::pilot, false, &Api::worker_node},
      Call{panda::kWorkerNodeGpu, "POST", Scope::pilot, false, &Api::worker_node},
      Call{panda::kLegacyIsAlive, "GET", Scope::anybody, false, &Api::legacy_is_alive},
      Call{panda::kLegacyGetJob, "POST", Scope::pilot, false, &Api::legacy_get_job},
      Call{panda::kLegacyUpdateJob, "POST", Scope::pilot, false, &Api::legacy_update},
      Call{panda::kLegacyGetStatus, "POST", Scope::pilot, false, &Api::legacy_status},
      Call{panda::kLegacyWorkerStatus, "POST", Scope::pilot, false, &Api::legacy_worker_status},
      Call{panda::kQueueData, "GET", Scope::anybody, false, &Api::queue_data},
      Call{panda::kDdmEndpoints, "GET", Scope::anybody, false, &Api::ddm_endpoints},
      Call{panda::kRunner, "GET", Scope::anybody, false, &Api::runner},
  };
  const auto* const it = std::find_if(calls.begin(), calls.end(), [&](const Call& c) {
    const std::string_view known = c.path;
    return known.ends_with('/') ? path.starts_with(known) : path == known;
  });
  return it == calls.end() ? nullptr : it;
}

net::Response failure(int status, const std::string& message) {
  net::Response r;
  r.status = status;
  r.body = panda::write_failure(message);
  return r;
}

// As PanDA does, a request that can't be granted is HTTP 200; a store that can't write is not.
net::Response failure(const Error& error) {
  if (error.code == "jobqueue.refused" || error.code == "panda.bad_request") return failure(200, error.what);
  return failure(503, "nothing was stored: " + error.text());
}

namespace {

// In the form of the call that was meant.
net::Response refusal(const net::Request& r, int status, panda::LegacyCode code, const std::string& why) {
  return is_legacy(r.path) ? legacy_failure(r, static_cast<int>(code), why) : failure(status, why);
}

}  // namespace

std::optional<net::Response> refuse_caller(const net::Request& request, const Tokens& tokens,
                                           const Subjects& subjects) {
  const Call* call = find_call(request.path);
  if (call != nullptr && call->scope == Scope::anybody) return {};
  const auto header = request.headers.find("authorization");
  const bool token = header != request.headers.end();
  const Scope has = token ? tokens.scope(header->second) : subjects.scope(request.client);
  if (has == Scope::nobody) {
    const std::string why = token ? "the token is not known to this job queue"
                            : request.client.empty()
                                ? "a token is needed: send 'Authorization: Bearer <token>'"
                                : "the certificate of " + request.client + " is in no line of the file 'subjects'";
    const auto code = token ? panda::LegacyCode::bad_token : panda::LegacyCode::no_role;
    auto r = refusal(request, 401, code, why);
    if (r.status == 401) r.headers["WWW-Authenticate"] = "Bearer";
    return r;
  }
  if (call == nullptr) return failure(404, "no such call: " + request.path.substr(0, 200));
  if (!allows(has, call->scope))
    return refusal(
        request, 403, panda::LegacyCode::no_role,
        std::string("this ") + (token ? "token" : "certificate") + " is of another scope than this call needs");
  return {};
}

std::optional<net::Response> refuse_head(const net::Request& head, const Tokens& tokens, const Subjects& subjects) {
  if (auto refused = refuse_caller(head, tokens, subjects)) return refused;
  const Call* call = find_call(head.path);
  if (call == nullptr || call->scope != Scope::anybody) return {};
  const auto length = head.headers.find("content-length");
  const bool body = head.headers.contains("transfer-encoding") ||
                    (length != head.headers.end() && length->second.find_first_not_of('0') != std::string::npos);
  if (body) return failure(413, "this call has no body");
  return {};
}

// Bodies are unpacked for callers only who have shown who they are: it takes time.
net::Response Api::handle(const net::Request& request, Now now) {
  const Call* known = find_call(request.path);
  if (known == nullptr || known->scope == Scope::anybody || !net::is_gzip(request.body)) return call(request, now);
  net::Request plain = request;
  auto body = unpacked(request);
  if (!body) return is_legacy(request.path) ? legacy_answer(request, body.error()) : answer(body.error());
  plain.body = std::move(*body);
  return call(plain, now);
}

net::Response Api::call(const net::Request& request, Now now) {
  const Call* call = find_call(request.path);
  if (call == nullptr) return failure(404, "no such call: " + request.path.substr(0, 200));
  if (request.method != call->method)
    return failure(200, std::string("expecting ") + call->method + ", received " + request.method);
  return (this->*call->run)(request, now);
}

net::Response Api::answer(const Error& error) {
  if (error.code != "jobqueue.refused" && error.code != "panda.bad_request") broken_ = error;
  return failure(error);
}

std::string Api::etag() const { return "\"" + instance_ + "-" + std::to_string(store_.version()) + "\""; }

// X-APF-Lag: the counts are those of this moment. X-APF-Sites changes when the specs of sites do.
net::Response Api::stats_response(std::string body) const {
  auto r = json(std::move(body));
  r.headers["ETag"] = etag();
  r.headers["X-APF-Lag"] = "0";
  r.headers["X-APF-Sites"] = instance_ + "-" + std::to_string(store_.sites_version());
  return r;
}

net::Response Api::is_alive(const net::Request&, Now) { return json(panda::write_success()); }

net::Response Api::detailed_stats(const net::Request&, Now) {
  if (stats_version_ != store_.version()) {
    stats_body_ = panda::write_detailed_stats(store_.cells().active());
    stats_version_ = store_.version();
  }
  return stats_response(stats_body_);
}

net::Response Api::site_stats(const net::Request&, Now) {
  return stats_response(panda::write_site_stats(store_.cells().active()));
}

net::Response Api::site_specs(const net::Request&, Now) {
  std::vector<panda::Site> sites;
  for (const auto& [name, status] : store_.sites()) sites.push_back({name, status});
  return stats_response(panda::write_site_specs(sites));
}

// Who sends no apf_request_id is no wrapper of ours, and gets what a pilot of PanDA's needs.
net::Response Api::acquire(const net::Request& r, Now now) {
  auto request = panda::read_acquire(r.body);
  if (!request) return answer(request.error());
  request->plain = request->request_id.empty();
  const auto jobs = store_.acquire(*request, now);
  if (!jobs) return answer(jobs.error());
  if (jobs->empty()) return json(panda::write_no_jobs());
  return json(request->plain ? panda::write_given_list(*jobs, base_of(r)) : panda::write_acquired(*jobs));
}

net::Response Api::update(const net::Request& r, Now now) {
  auto request = panda::read_update(r.body);
  if (!request) return answer(request.error());
  if (request->attempt_key.empty() && request->attempt > 0) request->attempt_key = std::to_string(request->attempt);
  const auto reply = store_.update(*request, now);
  if (!reply) return answer(reply.error());
  return json(panda::write_updated(*reply));
}

net::Response Api::submit(const net::Request& r, Now now) {
  const auto request = panda::read_submit(r.body, kMostJobsAtOnce);
  if (!request) return answer(request.error());
  const auto ids = store_.submit(*request, now);
  if (!ids) return answer(ids.error());
  return json(panda::write_submitted(*ids));
}

}  // namespace apf::jobqueue
