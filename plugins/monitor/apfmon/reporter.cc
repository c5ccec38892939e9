#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apfmon.h"
#include "monitor/log_urls.h"
#include "protocol/json_value.h"

namespace apf::apfmon {
namespace {

constexpr Duration kAtOnce = seconds{15};      // for all that one call of tell() sends: fewer than its deadline
constexpr std::size_t kLongestMessage = 1024;  // what the original server keeps

bool is_new(PilotState s) { return s == PilotState::pending || s == PilotState::unknown; }

}  // namespace

void Reporter::introduce(FactoryIdentity& me) const {
  if (server_.settings().hears_pilots) me.report_url = server_.settings().url;
}

void Reporter::take(const FactoryIdentity& me, const PilotNote& note) {
  PilotNews& news = pilots_.of(note.no);
  news.batch_id = note.batch_id;
  news.label = note.queue;
  news.submission = note.submission;
  news.index = note.index;
  news.together = note.together;
  if (server_.settings().hears_pilots) news.report_key_sha256 = note.report_key_sha256;
  if (news.logs.empty()) news.logs = monitoring::log_urls(me, note);
  if (is_new(note.state)) news.created = true;
  if (note.state == PilotState::running) news.running = true;
  if (!note.node.empty()) news.node = note.node;
  if (!note.profile.empty()) news.profile = note.profile;
  if (note.payloads >= 0) news.payloads = note.payloads;
  if (note.submitted.ms != 0) news.created_at = note.submitted;
  if (note.started.ms != 0) news.started_at = note.started;
  if (note.state == PilotState::held)
    news.hold_reason = note.reason;
  else if (!note.reason.empty())
    news.reason = note.reason;
  if (!ended(note.state)) {
    news.held = note.state == PilotState::held;
    return;
  }
  // As pilot-wrapper does, which tells a fault when it exits with anything but 0.
  const bool bad_exit = note.state == PilotState::done && note.exit_code > 0;
  news.end = bad_exit ? PilotState::failed : note.state;
  if (bad_exit && news.reason.empty()) news.reason = fmt::format("exit code {}", note.exit_code);
  news.exit_code = note.exit_code;
  news.ended_at = note.at;
}

void Reporter::take(const QueueNote& note) {
  LabelNews& news = labels_[note.queue];
  if (note.spec) {
    const QueueSpec& q = *note.spec;
    if (news.wms_queue != q.wms_queue || news.batch != q.batch || news.site != q.site || news.cloud != q.cloud) {
      news.wms_queue = q.wms_queue;
      news.batch = q.batch;
      news.site = q.site;
      news.cloud = q.cloud;
      news.announced = Mono{};
    }
    credentials_.insert(q.input_files.begin(), q.input_files.end());
    if (q.submit.has("credential")) credentials_.insert(q.submit.text("credential"));
  }
  news.message = note.message.substr(0, kLongestMessage);
  news.at = note.at;
}

void Reporter::tell_anew() {
  announced_ = Mono{};
  for (auto& [name, label] : labels_) label.announced = Mono{};
}

// An apf-monitor says so; whatever else answers is taken for an APFMon.
Status Reporter::find_api(Context& context) {
  if (api_ != Api::unknown) return {};
  HttpRequest request;
  request.url = "/v1/news";
  const auto reply = server_.ask(std::move(request), context);
  Api found = Api::apfmon;
  if (reply) {
    const auto said = protocol::json_value::parse(reply->body, "apfmon.status");
    if (said && said->is_object() && protocol::json_value::member(*said, "program") == "apf-monitor") found = Api::v1;
  } else {
    // Django's own page of an unknown address may fail, with 500.
    const std::string& what = reply.error().what;
    const bool answered = hopeless(reply.error()) || what.starts_with("HTTP status 405") ||
                          what.starts_with("HTTP status 500") || what.starts_with("HTTP status 501");
    if (!answered) return fail(reply.error());
  }
  if (found != last_api_) tell_anew();
  api_ = last_api_ = found;
  return {};
}

Status Reporter::send_all(const FactoryIdentity& me, Mono end, Context& context) {
  if (auto ok = find_api(context); !ok) return ok;
  if (api_ == Api::v1) return bulk(me, end, context);
  if (auto ok = classic_announce(me, context); !ok) return ok;
  if (auto ok = classic_new_pilots(me, context); !ok) return ok;
  if (auto ok = classic_messages(me, end, context); !ok) return ok;
  return classic_states(me, end, context);
}

bool Reporter::message_due(const LabelNews& label, Mono now) const {
  const Duration interval = server_.settings().interval;
  if (label.told_at.ns == 0) return true;
  return now - label.told_at >= (label.message == label.told ? 5 : 1) * interval;
}

Status Reporter::tell(const FactoryIdentity& me, std::span<const PilotNote> pilots, std::span<const QueueNote> queues,
                      Context& context) {
  for (const PilotNote& note : pilots) take(me, note);
  for (const QueueNote& note : queues) take(note);
  const Mono now = mono_now();
  if (!pause_.over(now)) return {};
  if (auto ok = send_all(me, now + kAtOnce, context); !ok) {
    if (hopeless(ok.error())) tell_anew();  // it may have forgotten us
    api_ = server_.settings().api;          // or it is another one by now
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
