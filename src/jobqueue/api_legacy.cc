// The calls of PanDA's own pilot (pilot3): PanDA's old ones, what it reads of a queue, and its reports about workers.
#include "jobqueue/api.h"
#include "net/gunzip.h"
#include "protocol/panda_legacy.h"

namespace apf::jobqueue {
namespace {

namespace panda = protocol::panda;

constexpr std::size_t kLongestBody = std::size_t{32} << 20U;  // unpacked

bool wants_json(const net::Request& r) {
  const auto accept = r.headers.find("accept");
  return accept != r.headers.end() && accept->second.find("application/json") != std::string::npos;
}

net::Response legacy(const net::Request& r, std::string body) {
  net::Response out;
  out.type = wants_json(r) ? "application/json" : "text/plain";
  out.body = std::move(body);
  return out;
}

net::Response plain(const char* type, std::string body) {
  net::Response out;
  out.type = type;
  out.body = std::move(body);
  return out;
}

}  // namespace

std::string base_of(const net::Request& r) {
  const auto host = r.headers.find("host");
  const std::string scheme = r.secure ? "https://" : "http://";
  return scheme + (host == r.headers.end() ? "127.0.0.1" : host->second);
}

bool is_legacy(const std::string& path) { return path.starts_with("/server/panda/"); }

// Who can't be served hears StatusCode in the old calls; a store that can't write is HTTP 503 in all: pilot3 tries an
// update again only if it gets no answer.
net::Response legacy_failure(const net::Request& r, int code, const std::string& why) {
  return legacy(r, panda::write_legacy(static_cast<panda::LegacyCode>(code), wants_json(r), why));
}

Result<std::string> unpacked(const net::Request& r) {
  if (!net::is_gzip(r.body)) return r.body;
  auto body = net::gunzip(r.body, kLongestBody);
  if (!body) return fail(Kind::permanent, "panda.bad_request", body.error().what);
  return body;
}

net::Response Api::legacy_answer(const net::Request& r, const Error& error) {
  if (error.code != "jobqueue.refused" && error.code != "panda.bad_request") return answer(error);
  return legacy_failure(r, static_cast<int>(panda::LegacyCode::failed), error.what);
}

net::Response Api::legacy_is_alive(const net::Request&, Now) { return plain("text/plain", "alive=yes"); }

net::Response Api::legacy_get_job(const net::Request& r, Now now) {
  const auto request = panda::read_get_job(r.body);
  if (!request) return legacy_answer(r, request.error());
  const auto jobs = store_.acquire(*request, now);
  if (!jobs) return legacy_answer(r, jobs.error());
  if (jobs->empty())
    return legacy(
        r, panda::write_legacy(panda::LegacyCode::no_jobs, wants_json(r), wants_json(r) ? "no jobs in PanDA" : ""));
  return legacy(r, panda::write_given(jobs->front(), base_of(r), wants_json(r)));
}

// pilot3 takes "tobekilled" as an order and only warns about other words: an attempt that is no longer the job's has to
// end, too.
net::Response Api::legacy_update(const net::Request& r, Now now) {
  const auto request = panda::read_update_job(r.body);
  if (!request) return legacy_answer(r, request.error());
  const auto reply = store_.update(*request, now);
  if (!reply) return legacy_answer(r, reply.error());
  return legacy(r, panda::write_legacy_command(reply->kill() ? "tobekilled" : "", wants_json(r)));
}

net::Response Api::legacy_status(const net::Request& r, Now) {
  const auto ids = panda::read_get_status(r.body);
  if (!ids) return legacy_answer(r, ids.error());
  std::vector<panda::JobState> states;
  for (const std::int64_t id : *ids) {
    const auto row = store_.find(id);
    if (!row) return legacy_answer(r, row.error());
    states.push_back(*row ? panda::JobState{name((*row)->status), (*row)->attempt} : panda::JobState{"notfound", 0});
  }
  return legacy(r, panda::write_legacy_status(states, wants_json(r)));
}

// A job queue has no workers of its own: what a pilot says about its own is checked and acknowledged, not kept.
net::Response Api::legacy_worker_status(const net::Request& r, Now) {
  const auto worker = panda::read_worker_status(r.body);
  if (!worker) return legacy_answer(r, worker.error());
  return legacy(r, panda::write_legacy(panda::LegacyCode::ok, wants_json(r)));
}

net::Response Api::worker_status(const net::Request& r, Now) {
  const auto worker = panda::read_worker_status(r.body);
  return worker ? plain("application/json", panda::write_success()) : answer(worker.error());
}

net::Response Api::worker_node(const net::Request& r, Now) {
  const auto node = panda::read_worker_node(r.body);
  return node ? plain("application/json", panda::write_success()) : answer(node.error());
}

// /cache/schedconfig/NAME.all.json, or of all queues.
net::Response Api::queue_data(const net::Request& r, Now) {
  std::string name = r.path.substr(std::string_view(panda::kQueueData).size());
  if (name == panda::kAllQueues) {
    std::vector<panda::Site> all;
    for (const auto& [site, status] : store_.sites()) all.push_back({site, status});
    return plain("application/json", panda::write_queues(all));
  }
  constexpr std::string_view ending = ".all.json";
  if (!name.ends_with(ending)) return failure(404, "no such file: ask for NAME.all.json");
  name.resize(name.size() - ending.size());
  const auto site = store_.sites().find(name);
  if (site == store_.sites().end()) return failure(404, "no such queue: a queue is made by its first job");
  return plain("application/json", panda::write_queue({site->first, site->second}));
}

net::Response Api::ddm_endpoints(const net::Request&, Now) { return plain("application/json", "{}\n"); }

net::Response Api::runner(const net::Request&, Now) { return plain("text/x-shellscript", panda::runner()); }

}  // namespace apf::jobqueue
