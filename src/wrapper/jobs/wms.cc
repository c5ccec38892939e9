#include "wrapper/jobs/wms.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>

#include "wrapper/http.h"
#include "wrapper/log.h"

namespace apf::wrapper {
namespace {

namespace panda = protocol::panda;
constexpr Duration kFirstWait = milliseconds{500};
constexpr Duration kLongestWait = seconds{20};

// False: told to stop meanwhile.
bool sleep(Duration d, const std::atomic<bool>* stop) {
  const Mono end = mono_now() + d;
  for (Duration left = d; left > Duration::zero(); left = end - mono_now()) {
    if (stop != nullptr && *stop) return false;
    ::poll(nullptr, 0, static_cast<int>(std::min<Duration>(left, milliseconds{100}).count() / 1'000'000 + 1));
  }
  return true;
}

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Exchange exchange(const Options& o, const char* path, const std::string& token, std::string body) {
  return {.url = o.wms_url + path, .token = token, .content_type = "application/json", .body = std::move(body)};
}

tl::unexpected<Error> refused_credential(int status) {
  return fail(Kind::permanent, "wrapper.refused_credential",
              "the WMS refuses the token (HTTP status " + std::to_string(status) + ")", {},
              "renew the queue's token file");
}

// Says no to a request of ours whatever we send again.
bool final(const Error& e) {
  return e.code == "panda.no_jobs" || e.code == "panda.refused" || e.code == "wrapper.refused_credential" ||
         e.code == "wrapper.no_curl";
}

// A PanDA server refuses arguments that it does not know before it looks at anything else.
bool dislikes_extensions(const Error& e) { return e.what.find("apf_") != std::string::npos; }

}  // namespace

std::string random_id() {
  std::random_device random;
  std::string id;
  constexpr const char* digits = "0123456789abcdef";
  for (int i = 0; i < 4; ++i) {
    std::uint32_t word = random();
    for (int k = 0; k < 8; ++k, word >>= 4U) id += digits[word & 15U];
  }
  return id;
}

Wms::Wms(const Options& options, std::string token, std::string node, const std::atomic<bool>& stop)
    : options_(options),
      token_(std::move(token)),
      node_(std::move(node)),
      pilot_id_(from_environment("GTAG")),
      stop_(stop) {}

Result<Wms::Acquired> Wms::acquire_once(const panda::AcquireRequest& request) const {
  Exchange e = exchange(options_, panda::kAcquireJobs, token_, panda::write_acquire(request));
  e.stop = &stop_;
  const Mono left = mono_now();
  const auto answer = post(e);
  if (!answer) return fail(answer.error());
  if (answer->status == 401 || answer->status == 403) return refused_credential(answer->status);
  auto jobs = panda::read_acquired(answer->status, answer->body);
  if (!jobs) return fail(std::move(jobs.error()));
  if (jobs->size() > 1) log(Level::warning, "the WMS gave more jobs than asked for; the first one is run");
  return Acquired{.job = std::move(jobs->front()), .request_left = left};
}

Result<Wms::Acquired> Wms::acquire(std::int64_t disk_mb) {
  panda::AcquireRequest request;
  request.site = options_.wms_queue;
  request.label = options_.label;
  request.resource_type = options_.resource_type;
  request.memory_mb = options_.memory >> 20U;
  request.disk_mb = disk_mb;
  request.node = node_;
  request.scheduler_id = from_environment("PANDA_JSID");
  if (extensions_) request.request_id = random_id();
  const Mono until = mono_now() + options_.patience;
  for (Duration wait = kFirstWait;; wait = std::min(wait * 2, kLongestWait)) {
    auto got = acquire_once(request);
    if (got) return got;
    if (stop_) return fail(Kind::transient, "wrapper.stopped", "told to end");
    if (extensions_ && dislikes_extensions(got.error())) {
      extensions_ = false;
      request.request_id.clear();
      continue;
    }
    if (final(got.error()) || mono_now() + wait > until) return got;
    log(Level::warning, "no answer to acquire_jobs, asking again: " + got.error().text());
    if (!sleep(wait, &stop_)) return fail(Kind::transient, "wrapper.stopped", "told to end");
  }
}

Result<Wms::Updated> Wms::update(panda::UpdateRequest request, Duration timeout, const std::atomic<bool>* stop) const {
  request.node = node_;
  request.site = options_.wms_queue;
  request.pilot_id = pilot_id_;
  request.batch_id = from_environment("APFCID");
  Exchange e = exchange(options_, panda::kUpdateJob, token_, panda::write_update(request));
  e.timeout = timeout;
  e.stop = stop;
  const Mono left = mono_now();
  const auto answer = post(e);
  if (!answer) return fail(answer.error());
  if (answer->status == 401 || answer->status == 403) return refused_credential(answer->status);
  auto reply = panda::read_updated(answer->status, answer->body);
  if (!reply) return fail(std::move(reply.error()));
  return Updated{.reply = std::move(*reply), .request_left = left};
}

Result<Wms::Updated> Wms::update_until(const panda::UpdateRequest& request, Mono until) const {
  for (Duration wait = kFirstWait;; wait = std::min(wait * 2, kLongestWait)) {
    const Duration left = std::max<Duration>(until - mono_now(), seconds{1});
    auto done = update(request, std::min<Duration>(left, seconds{20}));
    if (done || final(done.error()) || mono_now() + wait > until) return done;
    log(Level::warning, "no answer to update_job, telling again: " + done.error().text());
    sleep(wait, nullptr);
  }
}

}  // namespace apf::wrapper
