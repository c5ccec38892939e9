#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "apfmon.h"
#include "credential/token.h"
#include "protocol/apfmon.h"
#include "protocol/apfmon_factory.h"
#include "protocol/form.h"

namespace apf::apfmon {
namespace {

namespace wire = protocol::apfmon;

constexpr Duration kPatience = seconds{5};     // with one request
constexpr Duration kAtOnce = seconds{15};      // for all that one call of tell() sends: fewer than its deadline
constexpr Duration kAgain = seconds{3600};     // factory and labels are told anew, for servers that forget
constexpr std::size_t kPilotsAtOnce = 100;     // in one request
constexpr std::size_t kLabelsAtOnce = 20;      // likewise
constexpr std::size_t kLongestMessage = 1024;  // what the original server keeps
constexpr int kTries = 3;                      // of new pilots that the server refuses
constexpr const char* kJson = "application/json";
constexpr const char* kForm = "application/x-www-form-urlencoded";

// A request that this server will never take, whatever its state.
bool hopeless(const Error& error) { return error.code == "apfmon.refused"; }

bool is_new(PilotState s) { return s == PilotState::pending || s == PilotState::unknown; }

bool due(Mono told, Mono now) { return told.ns == 0 || now - told >= kAgain; }

}  // namespace

void Reporter::take(const PilotNote& note) {
  PilotNews& news = pilots_.of(note.no);
  news.batch_id = note.batch_id;
  news.label = note.queue;
  if (is_new(note.state)) news.created = true;
  if (note.state == PilotState::running) news.running = true;
  if (!note.reason.empty()) news.reason = note.reason;
  if (!note.node.empty()) news.node = note.node;
  if (!ended(note.state)) return;
  // As pilot-wrapper does, which tells a fault when it exits with anything but 0.
  const bool bad_exit = note.state == PilotState::done && note.exit_code > 0;
  news.end = bad_exit ? PilotState::failed : note.state;
  if (bad_exit && news.reason.empty()) news.reason = fmt::format("exit code {}", note.exit_code);
  news.exit_code = note.exit_code;
}

void Reporter::take(const QueueNote& note) {
  LabelNews& news = labels_[note.queue];
  if (note.spec && (news.wms_queue != note.spec->wms_queue || news.batch != note.spec->batch)) {
    news.wms_queue = note.spec->wms_queue;
    news.batch = note.spec->batch;
    news.announced = Mono{};
  }
  news.message = note.message.substr(0, kLongestMessage);
}

Status Reporter::send(const char* method, const std::string& path, std::string body, const char* type,
                      Context& context) const {
  HttpRequest request = settings_.access;
  request.method = method;
  request.url = settings_.url + path;
  request.body = std::move(body);
  request.timeout = kPatience;
  request.headers = {{"Content-Type", type}};
  if (!settings_.token_file.empty()) {
    const auto token = context.credential(settings_.token_file);
    if (!token) return fail(token.error());
    if (!credential::is_token(*token))
      return fail(Kind::config, "apfmon.bad_token", "the file does not hold one token and nothing else",
                  settings_.token_file);
    request.headers.emplace_back("Authorization", "Bearer " + *token);
  }
  const auto reply = context.http(request);
  if (!reply) return fail(reply.error());
  if (reply->status / 100 == 2) return {};
  const bool ours = reply->status == 400 || reply->status == 404 || reply->status == 413 || reply->status == 422;
  return fail(Kind::transient, ours ? "apfmon.refused" : "apfmon.status",
              fmt::format("HTTP status {}: {}", reply->status, reply->body.substr(0, 200)), request.url);
}

// The factory, then its labels: a server of the original kind wants to know both before their pilots.
Status Reporter::announce(const FactoryIdentity& me, Context& context) {
  const Mono now = mono_now();
  if (due(announced_, now)) {
    if (auto ok = send("PUT", wire::factory_path(me.factory_id),
                       wire::write_factory({me.factory_id, me.log_url, APF_VERSION, settings_.email}), kJson, context);
        !ok)
      return ok;
    announced_ = now;
  }
  std::vector<wire::Label> batch;
  std::vector<LabelNews*> told;
  const auto flush = [&]() -> Status {
    if (batch.empty()) return {};
    if (auto ok = send("PUT", "/labels", wire::write_labels(batch), kJson, context); !ok) return ok;
    for (LabelNews* label : told) label->announced = now;
    batch.clear();
    told.clear();
    return {};
  };
  for (auto& [name, label] : labels_) {
    if (!due(label.announced, now)) continue;
    batch.push_back({name, me.factory_id, label.wms_queue, label.batch, label.batch});
    told.push_back(&label);
    if (batch.size() < kLabelsAtOnce) continue;
    if (auto ok = flush(); !ok) return ok;
  }
  return flush();
}

Status Reporter::send_new_pilots(const FactoryIdentity& me, Context& context) {
  for (std::size_t from = 0; from < pilots_.size() && !context.stopping();) {
    std::vector<wire::NewPilot> batch;
    std::vector<PilotNews*> told;
    for (; from < pilots_.size() && batch.size() < kPilotsAtOnce; ++from) {
      PilotNews& news = pilots_.at(from);
      if (!news.created) continue;
      batch.push_back({news.batch_id, me.factory_id, news.label});
      told.push_back(&news);
    }
    if (batch.empty()) return {};
    if (auto ok = send("PUT", "/jobs", wire::write_pilots(batch), kJson, context); !ok) {
      if (!hopeless(ok.error()) || ++refusals_ < kTries) return ok;
      context.log(Level::warning, fmt::format("{} new pilots are not told: {}", batch.size(),
                                              ok.error().text()));  // or nothing else is
    }
    refusals_ = 0;
    for (PilotNews* news : told) news->created = false;
  }
  return {};
}

// A server of the original kind takes only the next state each time. What it refuses, it has from the wrapper or knows
// better: that is no failure.
Status Reporter::send_state(const FactoryIdentity& me, const PilotNews& news, const char* state,
                            Context& context) const {
  std::vector<protocol::FormField> form = {{"state", state}};
  const std::string_view word = state;
  if (word != "running" && news.exit_code >= 0) form.emplace_back("rc", std::to_string(news.exit_code));
  if (!news.node.empty()) form.emplace_back("node", news.node);
  if (word == "fault" && !news.reason.empty()) form.emplace_back("text", news.reason.substr(0, 256));
  auto sent = send("POST", wire::job_path({me.factory_id, news.batch_id}), protocol::write_form(form), kForm, context);
  if (sent || !hopeless(sent.error())) return sent;
  return {};
}

Status Reporter::send_states(const FactoryIdentity& me, Mono end, Context& context) {
  while (!pilots_.empty() && mono_now() < end && !context.stopping()) {
    PilotNews& news = pilots_.front();
    if (news.running) {
      if (auto ok = send_state(me, news, "running", context); !ok) return ok;
      news.running = false;
    }
    if (news.end == PilotState::done) {
      for (const char* state : {"exiting", "done"})
        if (auto ok = send_state(me, news, state, context); !ok) return ok;
    } else if (news.end) {
      if (auto ok = send_state(me, news, "fault", context); !ok) return ok;
    }
    pilots_.pop();
  }
  return {};
}

Status Reporter::send_messages(const FactoryIdentity& me, Mono end, Context& context) {
  for (auto& [name, label] : labels_) {
    const Mono now = mono_now();
    if (now >= end || context.stopping()) return {};
    if (label.told_at.ns != 0 && now - label.told_at < settings_.interval) continue;
    if (label.message == label.told && now - label.told_at < 5 * settings_.interval) continue;
    if (auto ok = send("POST", wire::label_path(me.factory_id, name), wire::write_label_status(label.message), kForm,
                       context);
        !ok && !hopeless(ok.error()))
      return ok;
    label.told = label.message;
    label.told_at = now;
  }
  return {};
}

Status Reporter::send_all(const FactoryIdentity& me, Mono end, Context& context) {
  if (auto ok = announce(me, context); !ok) return ok;
  if (auto ok = send_new_pilots(me, context); !ok) return ok;
  if (auto ok = send_messages(me, end, context); !ok) return ok;
  return send_states(me, end, context);
}

Status Reporter::tell(const FactoryIdentity& me, std::span<const PilotNote> pilots, std::span<const QueueNote> queues,
                      Context& context) {
  for (const PilotNote& note : pilots) take(note);
  for (const QueueNote& note : queues) take(note);
  const Mono now = mono_now();
  if (!pause_.over(now)) return {};
  if (auto ok = send_all(me, now + kAtOnce, context); !ok) {
    if (hopeless(ok.error())) {  // it may have forgotten us
      announced_ = Mono{};
      for (auto& [name, label] : labels_) label.announced = Mono{};
    }
    if (pause_.failed(mono_now()))
      context.log(Level::warning, "news wait, since the monitor does not take them: " + ok.error().text());
    return {};
  }
  const std::int64_t dropped = pilots_.take_dropped();
  if (pause_.succeeded() || dropped != 0)
    context.log(Level::info, dropped == 0 ? "the monitor takes news again"
                                          : fmt::format("news of {} pilots were dropped, the oldest first", dropped));
  return {};
}

}  // namespace apf::apfmon
