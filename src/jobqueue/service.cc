#include "jobqueue/service.h"

#include <algorithm>
#include <charconv>

#include "serve/secret.h"

namespace apf::jobqueue {
namespace {

constexpr Duration kAfterFailure = seconds{1};

bool statistics(const net::Request& r) {
  const Call* call = find_call(r.path);
  return call != nullptr && call->statistics;
}

// ?wait=SECONDS, whole; nothing or nonsense: 0.
Duration wait_of(const net::Request& r, Duration longest) {
  const auto it = r.query.find("wait");
  if (it == r.query.end()) return {};
  std::int64_t n = 0;
  const auto [end, ec] = std::from_chars(it->second.data(), it->second.data() + it->second.size(), n);
  if (ec != std::errc{} || n <= 0) return {};
  return std::min<Duration>(longest, seconds{std::min<std::int64_t>(n, 86400)});
}

net::Response not_modified(const std::string& etag) {
  net::Response r;
  r.status = 304;
  r.headers["ETag"] = etag;
  r.headers["X-APF-Lag"] = "0";
  return r;
}

}  // namespace

Service::Service(std::unique_ptr<JobStore> store, std::string instance, const ServiceOptions& options, Now now)
    : store_(std::move(store)), api_(*store_, std::move(instance)), options_(options), housekeeping_at_(now.mono) {}

Result<std::unique_ptr<Service>> Service::open(const std::string& file, const ServiceOptions& options, Now now) {
  auto store = JobStore::open(file, options.store, now);
  if (!store) return fail(std::move(store.error()));
  auto instance = serve::random_secret();
  if (!instance) return fail(std::move(instance.error()));
  return std::unique_ptr<Service>(new Service(std::move(*store), instance->substr(0, 12), options, now));
}

// Statistics are taken after the commit: they never show what may yet be rolled back.
void Service::handle(std::vector<Incoming> group, Now now) {
  const auto later =
      std::stable_partition(group.begin(), group.end(), [](const Incoming& c) { return !statistics(c.request); });
  const std::span<Incoming> calls(group.begin(), later);
  std::vector<net::Response> responses;
  api_.mend();
  Status done;
  if (!calls.empty()) {
    done = store_->begin();
    for (const Incoming& call : calls)
      if (done && !api_.broken()) responses.push_back(api_.handle(call.request, now));
    if (done && !api_.broken()) done = store_->commit();
    if (api_.broken()) store_->rollback();
  }
  const std::optional<net::Response> failed = !done           ? std::optional(failure(done.error()))
                                              : api_.broken() ? std::optional(api_.broken_response())
                                                              : std::nullopt;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (failed)
      calls[i].reply->send(*failed);
    else
      calls[i].reply->send(std::move(responses[i]));
  }
  for (auto it = later; it != group.end(); ++it)
    if (!park(*it, now)) it->reply->send(api_.handle(it->request, now));
  tick(now);
}

bool Service::park(Incoming& call, Now now) {
  const auto known = call.request.headers.find("if-none-match");
  if (call.request.method != "GET" || known == call.request.headers.end() || known->second != api_.etag()) return false;
  const Duration wait = wait_of(call.request, options_.longest_wait);
  if (wait == Duration{}) {
    call.reply->send(not_modified(api_.etag()));
    return true;
  }
  waiters_.push_back({std::move(call), now.mono + wait, now.mono, store_->version()});
  return true;
}

// X-APF-Waited: the answer is true as of that many milliseconds after the request came.
void Service::answer(const Waiter& waiter, net::Response response, Now now) {
  response.headers["X-APF-Waited"] =
      std::to_string(std::chrono::duration_cast<milliseconds>(now.mono - waiter.since).count());
  waiter.call.reply->send(std::move(response));
}

void Service::wake(Now now) {
  wake_at_.reset();
  waiters_.remove_if([&](const Waiter& w) {
    if (w.knows == store_->version()) return false;
    answer(w, api_.handle(w.call.request, now), now);
    return true;
  });
}

// A full disk must not make the loop spin: after a failure it rests a second.
void Service::in_group(const std::function<Result<std::size_t>()>& work, const char* what, Now now) {
  Status done = store_->begin();
  if (done) {
    const auto n = work();
    if (n) {
      done = store_->commit();
    } else {
      store_->rollback();
      done = fail(n.error());
    }
  }
  if (done) return;
  try_again_ = now.mono + kAfterFailure;
  complain(std::string(what) + ": " + done.error().text());
}

void Service::tick(Now now) {
  if (try_again_ && now.mono >= *try_again_) try_again_.reset();
  if (!try_again_) {
    if (const auto end = store_->leases().next(); end && *end <= now.mono)
      in_group([&] { return store_->expire(now); }, "taking back jobs whose lease has ended", now);
    if (now.mono >= housekeeping_at_) {
      housekeeping_at_ = now.mono + options_.housekeeping;
      in_group([&] { return store_->forget(now); }, "deleting what is past its time", now);
      waiters_.remove_if([](const Waiter& w) { return w.call.reply->closed(); });
    }
  }
  const bool news =
      std::any_of(waiters_.begin(), waiters_.end(), [&](const Waiter& w) { return w.knows != store_->version(); });
  if (news && !wake_at_) wake_at_ = now.mono + options_.coalesce;
  if (wake_at_ && now.mono >= *wake_at_) wake(now);
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    if (it->until > now.mono) {
      ++it;
      continue;
    }
    answer(*it, not_modified(api_.etag()), now);
    it = waiters_.erase(it);
  }
}

void Service::close() {
  for (Waiter& w : waiters_) w.call.reply->send(failure(503, "the job queue is stopping"));
  waiters_.clear();
}

Mono Service::next(Mono now) const {
  Mono due = try_again_.value_or(housekeeping_at_);
  if (const auto end = store_->leases().next(); end && !try_again_) due = std::min(due, *end);
  if (wake_at_) due = std::min(due, *wake_at_);
  for (const Waiter& w : waiters_) due = std::min(due, w.until);
  return std::max(due, now);
}

}  // namespace apf::jobqueue
