#include "wrapper/jobs/heartbeat.h"

#include <csignal>

#include "wrapper/jobs/lease.h"
#include "wrapper/log.h"

namespace apf::wrapper {
namespace {

constexpr Duration kWithoutLease = seconds{600};  // between signs of life to a server that has no leases
constexpr Duration kStopPatience = seconds{2};

}  // namespace

Heartbeat::Heartbeat(const Wms& wms, const Wms::Acquired& acquired, const Payload& payload)
    : wms_(wms), job_(acquired.job), payload_(payload), lease_(seconds{acquired.job.lease_s}) {
  if (lease_ > Duration::zero()) lease_end_ = acquired.request_left + lease_;
  thread_ = std::thread([this] { run(); });
}

void Heartbeat::stop() {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, kStopPatience, [this] { return done_; });
  }
  abort_ = true;
  thread_.join();
}

void Heartbeat::run() {
  for (;;) {
    const Duration wait = beat();
    std::unique_lock lock(mutex_);
    // The condition variable's clock stands still while the host is suspended; the guardian's deadline does not.
    if (changed_.wait_for(lock, wait, [this] { return stopping_; })) break;
  }
  const std::scoped_lock lock(mutex_);
  done_ = true;
  changed_.notify_all();
}

Duration Heartbeat::beat() {
  protocol::panda::UpdateRequest request;
  request.id = job_.id;
  request.status = "running";
  request.attempt = job_.attempt;
  request.attempt_key = job_.attempt_key;
  const auto updated = wms_.update(request, seconds{20}, &abort_);
  const bool leased = lease_ > Duration::zero();
  if (!updated) {
    log(Level::warning, "the job's lease was not renewed: " + updated.error().text());
    return leased ? retry_after(lease_) : kWithoutLease / 10;
  }
  renewed(*updated);
  return leased ? renew_after(lease_) : kWithoutLease;
}

void Heartbeat::renewed(const Wms::Updated& updated) {
  if (updated.reply.kill()) {
    command_ = updated.reply.command;
    log(Level::warning, "the WMS ends this job: " + command_);
    payload_.order({.verb = Order::Verb::end, .value = SIGTERM});
    return;
  }
  if (updated.reply.lease_s <= 0) return;
  lease_ = seconds{updated.reply.lease_s};
  lease_end_ = updated.request_left + lease_;
  payload_.order({.verb = Order::Verb::lease, .value = dead_by(updated.request_left, lease_).ns});
}

}  // namespace apf::wrapper
