#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "apf/files.h"
#include "panda.h"

namespace apf::panda {
namespace {

namespace api = protocol::panda;

constexpr Duration kPatience = seconds{10};     // with one request, all servers together
constexpr Duration kAtOnce = seconds{15};       // for all that one call of tell() sends: fewer than its deadline
constexpr Duration kQueueGone = seconds{3600};  // nothing heard of it: it is not configured any more
constexpr int kTries = 3;                       // of a pilot that the server refuses for its own sake
constexpr std::int64_t kEpoch = 1'767'225'600;  // 2026-01-01: the first ids count from there
// Ids that a factory may use up for each second of its life before those of its next life could meet them.
constexpr std::int64_t kIdsPerSecond = 16;

Status taken(int status, std::string_view body) {
  const auto n = api::read_workers_taken(status, body);
  if (!n) return fail(n.error());
  return {};
}
Status legacy_taken(int status, std::string_view body) {
  const auto n = api::read_legacy_workers_taken(status, body);
  if (!n) return fail(n.error());
  return {};
}

}  // namespace

Result<std::int64_t> first_worker(const FactoryIdentity& me) {
  const std::string file = me.state_dir + "/panda-first-worker";
  std::string instance;
  std::int64_t first = 0;
  if (std::ifstream in(file); in >> instance >> first && instance == me.instance && first > 0) return first;
  first = std::max<std::int64_t>(1, (wall_now().ms / 1000 - kEpoch) * kIdsPerSecond);
  if (auto ok = replace_file(file, fmt::format("{} {}\n", me.instance, first)); !ok) return fail(std::move(ok.error()));
  return first;
}

// Pilots are not worth less without it, so a full disk is no reason to refuse a configuration.
void PandaReporter::introduce(FactoryIdentity& me) const {
  if (const auto first = first_worker(me)) {
    me.harvester_id = settings_.harvester_id;
    me.first_worker = *first;
  }
}

Status PandaReporter::find_first(const FactoryIdentity& me) {
  if (instance_ == me.instance) return {};
  const auto first = first_worker(me);
  if (!first) return fail(first.error());
  first_worker_ = *first;
  instance_ = me.instance;
  return {};
}

void PandaReporter::take(const FactoryIdentity& me, const PilotNote& note) {
  api::Worker w = worker_of(me, note, first_worker_);
  w.submission_host = w.harvester_host = settings_.host;
  if (waiting_.empty()) oldest_ = mono_now();
  const std::int64_t id = w.id;
  waiting_.of(id).worker = std::move(w);
}

void PandaReporter::take(const QueueNote& note) {
  if (!note.spec || note.spec->wms_queue.empty()) return;
  Site& site = sites_[note.spec->wms_queue];
  auto [at, fresh] = site.queues.try_emplace(note.queue);
  const QueueNote& before = at->second.note;
  if (fresh || before.pending != note.pending || before.running != note.running) site.changed = true;
  at->second = {note, mono_now()};
}

Result<HttpReply> PandaReporter::post(const char* path, std::string body, bool legacy, Context& context) {
  Call call;
  call.method = "POST";
  call.path = path;
  call.body = std::move(body);
  call.patience = kPatience;
  call.headers = {{"Accept", "application/json"},
                  {"Content-Type", legacy ? "application/x-www-form-urlencoded" : "application/json"}};
  return connection_.send(call, context);
}

Status PandaReporter::exchange(const char* path, const char* legacy_path, const std::string& body,
                               const std::string& legacy_body, Status (*read)(int, std::string_view),
                               Status (*read_legacy)(int, std::string_view), Context& context) {
  for (int turn = 0;; ++turn) {
    const bool legacy = legacy_[connection_.server()];
    const auto reply = post(legacy ? legacy_path : path, legacy ? legacy_body : body, legacy, context);
    if (!reply) return fail(reply.error());
    Status done = legacy ? read_legacy(reply->status, reply->body) : read(reply->status, reply->body);
    if (done || done.error().code != "panda.no_method" || turn > 0) {
      if (!done && done.error().where.empty()) done.error().where = connection_.server_url() + path;
      return done;
    }
    legacy_[connection_.server()] = !legacy;
  }
}

Status PandaReporter::send_workers(Context& context) {
  std::vector<api::Worker> batch;
  for (std::size_t i = 0; i < std::min(batch_, waiting_.size()); ++i) batch.push_back(waiting_.at(i).worker);
  auto done =
      exchange(api::kUpdateWorkers, api::kLegacyUpdateWorkers, api::write_workers(settings_.harvester_id, batch),
               api::write_legacy_workers(settings_.harvester_id, batch), taken, legacy_taken, context);
  if (!done) {
    if (done.error().code == "panda.refused") split_batch(done.error(), batch.size(), context);
    return done;
  }
  for (std::size_t i = 0; i < batch.size(); ++i) waiting_.pop();
  oldest_ = mono_now();
  batch_ = std::min(settings_.batch, batch_ * 2);
  return {};
}

// The server refuses a whole request for one pilot that its database does not take, in the same words as when the
// database fails: smaller requests find that pilot, it goes to the end, and in the end it is given up.
void PandaReporter::split_batch(const Error& error, std::size_t sent, Context& context) {
  if (sent > 1) {
    batch_ = sent / 2;
    return;
  }
  WorkerNews& news = waiting_.front();
  if (++news.refused < kTries) return waiting_.put_off();
  context.log(Level::warning,
              "PanDA does not take the pilot " + news.worker.batch_id + ", which is given up: " + error.text());
  waiting_.pop();
}

// A report replaces all that the server knows of this factory's pilots at a site: it holds all its queues.
Status PandaReporter::send_counts(Context& context, Mono end) {
  if (settings_.counts_interval <= Duration{}) return {};
  for (auto& [name, site] : sites_) {
    const Mono now = mono_now();
    const bool first = site.told_at.ns == 0;
    const Duration pause = site.changed ? settings_.interval : settings_.counts_interval;
    if (!first && now - site.told_at < pause) continue;
    if (now >= end) break;
    api::WorkerCounts counts;
    std::erase_if(site.queues, [&](const auto& one) { return now - one.second.at > kQueueGone; });
    for (const auto& [queue, seen] : site.queues) {
      const QueueNote& note = seen.note;
      PilotNote like;
      like.spec = note.spec;
      const api::Worker w = worker_of({}, like, 0);
      auto& here = counts[w.label][w.resource_type];
      here["submitted"] += note.pending;
      here["running"] += note.running;
    }
    auto done = exchange(api::kWorkerStatistics, api::kLegacyWorkerStatistics,
                         api::write_worker_counts(settings_.harvester_id, name, counts),
                         api::write_legacy_worker_counts(settings_.harvester_id, name, counts), api::read_counts_taken,
                         api::read_legacy_counts_taken, context);
    if (!done) return done;
    site.told_at = mono_now();
    site.changed = false;
  }
  return {};
}

Status PandaReporter::tell(const FactoryIdentity& me, std::span<const PilotNote> pilots,
                           std::span<const QueueNote> queues, Context& context) {
  if (auto ok = find_first(me); !ok) return ok;
  for (const PilotNote& note : pilots) take(me, note);
  for (const QueueNote& note : queues) take(note);
  const Mono now = mono_now();
  if (!pause_.over(now)) return {};
  const Mono end = now + kAtOnce;
  const auto due = [&] {
    return !waiting_.empty() && (waiting_.size() >= settings_.batch || now - oldest_ >= settings_.interval);
  };
  Status done;
  while (done && due() && mono_now() < end && !context.stopping()) done = send_workers(context);
  if (done && !context.stopping()) done = send_counts(context, end);
  if (!done) {
    if (pause_.failed(mono_now()))
      context.log(Level::warning, "reports wait, since the server does not take them: " + done.error().text());
    return {};
  }
  if (!pause_.succeeded()) return {};
  const std::int64_t dropped = waiting_.take_dropped();
  context.log(Level::info, dropped == 0 ? "the server takes reports again"
                                        : "the server takes reports again; news of " + std::to_string(dropped) +
                                              " pilots were dropped meanwhile, the oldest first");
  return {};
}

}  // namespace apf::panda
