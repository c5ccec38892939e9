// The calls of the job queue: requests in, responses out, over a JobStore. PanDA's names where PanDA has the call;
// what only we have stands below /api/v1/apf/.
//
// Thread-safety: none; the thread that owns the store calls it. find_call() is pure.
#pragma once

#include <string>

#include "jobqueue/job_store.h"
#include "jobqueue/subjects.h"
#include "jobqueue/tokens.h"
#include "net/http_server.h"

namespace apf::jobqueue {

constexpr std::size_t kMostJobsAtOnce = 20000;

class Api;

struct Call {
  const char* path;  // one that ends with '/' is that of all below it
  const char* method;
  Scope scope;
  bool statistics;  // answered after the group's commit, may wait for a change
  net::Response (Api::*run)(const net::Request&, Now);
};
const Call* find_call(const std::string& path);

// PanDA's old calls have failures of their own form: StatusCode (jobdispatcher/Protocol.py).
bool is_legacy(const std::string& path);
net::Response legacy_failure(const net::Request& request, int code, const std::string& why);
// The body, unpacked if it is compressed: pilot3 compresses, and in the old calls doesn't say so.
Result<std::string> unpacked(const net::Request& request);

// The URL by which this caller reaches us: pilot3 fetches a job's program from there.
std::string base_of(const net::Request& request);

// Failures in PanDA's form.
net::Response failure(int status, const std::string& message);
net::Response failure(const Error& error);
// Is the caller allowed to make it, by its token, or by its certificate when it sends none? A failure, or nothing.
std::optional<net::Response> refuse_caller(const net::Request& request, const Tokens& tokens,
                                           const Subjects& subjects = {});

// The same by the head alone, so that strangers can't make us take long bodies: their calls have none.
std::optional<net::Response> refuse_head(const net::Request& head, const Tokens& tokens, const Subjects& subjects);

class Api {
 public:
  // `instance` tells this start of the server from others in ETags.
  Api(JobStore& store, std::string instance) : store_(store), instance_(std::move(instance)) {}

  // One call inside the store's group. When `broken()` the group must be rolled back.
  net::Response handle(const net::Request& request, Now now);
  [[nodiscard]] bool broken() const { return broken_.has_value(); }
  [[nodiscard]] net::Response broken_response() const { return failure(*broken_); }
  void mend() { broken_.reset(); }

  [[nodiscard]] std::string etag() const;

 private:
  friend const Call* find_call(const std::string& path);
  net::Response is_alive(const net::Request& r, Now now);
  net::Response detailed_stats(const net::Request& r, Now now);
  net::Response site_stats(const net::Request& r, Now now);
  net::Response site_specs(const net::Request& r, Now now);
  net::Response acquire(const net::Request& r, Now now);
  net::Response update(const net::Request& r, Now now);
  net::Response pilot_status(const net::Request& r, Now now);
  net::Response submit(const net::Request& r, Now now);
  net::Response kill(const net::Request& r, Now now);
  net::Response status(const net::Request& r, Now now);
  net::Response description(const net::Request& r, Now now);
  net::Response list(const net::Request& r, Now now);
  net::Response summary(const net::Request& r, Now now);
  net::Response set_site(const net::Request& r, Now now);
  net::Response legacy_is_alive(const net::Request& r, Now now);
  net::Response legacy_get_job(const net::Request& r, Now now);
  net::Response legacy_update(const net::Request& r, Now now);
  net::Response legacy_status(const net::Request& r, Now now);
  net::Response legacy_worker_status(const net::Request& r, Now now);
  net::Response worker_status(const net::Request& r, Now now);
  net::Response worker_node(const net::Request& r, Now now);
  net::Response queue_data(const net::Request& r, Now now);
  net::Response ddm_endpoints(const net::Request& r, Now now);
  net::Response runner(const net::Request& r, Now now);

  net::Response call(const net::Request& request, Now now);
  net::Response answer(const Error& error);  // remembers failures of the store
  net::Response legacy_answer(const net::Request& r, const Error& error);
  net::Response stats_response(std::string body) const;
  Result<std::vector<JobRow>> rows_of(const net::Request& r, std::vector<std::int64_t>& ids);

  JobStore& store_;
  std::string instance_;
  std::optional<Error> broken_;
  std::string stats_body_;  // of stats_version_
  std::uint64_t stats_version_ = 0;
};

}  // namespace apf::jobqueue
