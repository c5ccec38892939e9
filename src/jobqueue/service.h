// The job queue between its HTTP server and its store: requests that came in together become one group with one
// fsync and are answered when it has committed; statistics that nobody has changed wait for a change (long poll),
// without a thread each; leases and retention are looked after between groups.
//
// No clock and no threads here: the caller brings the time. Thread-safety: none; one thread owns the service.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jobqueue/api.h"
#include "jobqueue/job_store.h"

namespace apf::jobqueue {

struct Incoming {
  net::Request request;
  net::ReplyPtr reply;
};

struct ServiceOptions {
  StoreOptions store;
  Duration longest_wait = seconds{300};  // of a long poll
  Duration coalesce = milliseconds{20};  // a change waits that long for others before it wakes the waiters
  Duration housekeeping = seconds{60};   // between looks for what is past its time
};

class Service {
 public:
  static Result<std::unique_ptr<Service>> open(const std::string& file, const ServiceOptions& options, Now now);

  void handle(std::vector<Incoming> group, Now now);
  void tick(Now now);                       // what is due: call it at next() and after handle()
  [[nodiscard]] Mono next(Mono now) const;  // when tick() has something to do
  void close();                             // answers those that wait: the server stops
  [[nodiscard]] const JobStore& store() const { return *store_; }
  [[nodiscard]] std::size_t waiting() const { return waiters_.size(); }
  // Told of failures that no caller hears: of housekeeping.
  std::function<void(const std::string&)> complain = [](const std::string&) {};

 private:
  struct Waiter {
    Incoming call;
    Mono until;
    Mono since;
    std::uint64_t knows;  // the version it has
  };
  Service(std::unique_ptr<JobStore> store, std::string instance, const ServiceOptions& options, Now now);

  bool park(Incoming& call, Now now);  // true: it waits
  void wake(Now now);
  static void answer(const Waiter& waiter, net::Response response, Now now);
  void in_group(const std::function<Result<std::size_t>()>& work, const char* what, Now now);

  std::unique_ptr<JobStore> store_;
  Api api_;
  ServiceOptions options_;
  std::list<Waiter> waiters_;
  std::optional<Mono> wake_at_;
  Mono housekeeping_at_;
  std::optional<Mono> try_again_;  // after a failure of the store
};

}  // namespace apf::jobqueue
