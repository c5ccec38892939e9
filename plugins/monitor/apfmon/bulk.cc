// News as an apf-monitor takes them: all of a moment in one call (docs/monitor-protocols.md).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "apfmon.h"
#include "protocol/json_value.h"

namespace apf::apfmon {
namespace {

using nlohmann::json;

constexpr Duration kAgain = seconds{300};   // factory, its credentials and its labels
constexpr std::size_t kPilotsAtOnce = 300;  // in one request; each has one to three entries
constexpr std::size_t kLabelsAtOnce = 500;
constexpr std::size_t kLongestText = 256;  // what the monitor keeps

bool due(Mono told, Mono now) { return told.ns == 0 || now - told >= kAgain; }

void put(json& to, const char* name, const std::string& text) {
  if (!text.empty()) to[name] = text;
}
void put(json& to, const char* name, Wall t) {
  if (t.ms != 0) to[name] = t.ms;
}

const char* end_state(PilotState s) { return s == PilotState::done ? "done" : "fault"; }

// What goes with the last of its entries: the monitor keeps it with the pilot, not with a state.
void put_facts(json& entry, const PilotNews& news) {
  put(entry, "node", news.node);
  put(entry, "submission", news.submission);
  entry["index"] = news.index;
  if (news.payloads >= 0) entry["payloads"] = news.payloads;
  if (news.held) entry["held"] = *news.held;
  if (news.held.value_or(false)) put(entry, "hold_reason", news.hold_reason.substr(0, kLongestText));
  if (!news.profile.empty()) {
    const json profile = json::parse(news.profile, nullptr, false);
    if (profile.is_object()) entry["profile"] = profile;
  }
  if (!news.logs.empty())
    entry["details"] = {{"stdout", news.logs + ".out"}, {"stderr", news.logs + ".err"}, {"log", news.logs + ".log"}};
}

void put_pilot(json& pilots, const PilotNews& news) {
  const auto add = [&](const char* state, Wall at) -> json& {
    json& entry = pilots.emplace_back(json{{"id", news.batch_id}, {"label", news.label}, {"state", state}});
    put(entry, "at", at);
    return entry;
  };
  json* last = nullptr;
  if (news.created) last = &add("created", news.created_at);
  if (news.running) last = &add("running", news.started_at);
  if (news.end) {
    last = &add(end_state(*news.end), news.ended_at);
    if (news.exit_code >= 0) (*last)["rc"] = news.exit_code;
    if (news.end != PilotState::done) put(*last, "text", news.reason.substr(0, kLongestText));
  }
  if (last == nullptr)
    last = news.started_at.ms != 0 ? &add("running", news.started_at) : &add("created", news.created_at);
  put_facts(*last, news);
}

// Keys go with each news of pilots that live: so the monitor has them by the first, and again when it lost them.
json submissions_of(const std::vector<const PilotNews*>& pilots) {
  std::map<std::string, json> all;
  for (const PilotNews* news : pilots) {
    if (news->report_key_sha256.empty() || news->end) continue;
    json& one = all[news->submission];
    const std::int64_t n = std::max(news->together, news->index + 1);
    one = {{"id", news->submission},
           {"key", news->report_key_sha256},
           {"pilots", one.is_object() ? std::max(n, one["pilots"].get<std::int64_t>()) : n}};
  }
  json list = json::array();
  for (auto& [id, one] : all) list.push_back(std::move(one));
  return list;
}

Status post(const Server& server, const json& news, Context& context) {
  auto sent = server.send("POST", "/v1/news", protocol::json_value::dump(news), "application/json", context);
  // An address that is not there any more is not a piece of news that is wrong.
  if (!sent && sent.error().what.starts_with("HTTP status 404")) sent.error().code = "apfmon.status";
  return sent;
}

}  // namespace

// The factory, and labels that are new or have something to say.
Status Reporter::bulk_labels(const FactoryIdentity& me, Mono end, Context& context) {
  const Mono now = mono_now();
  json factory{{"name", me.factory_id}};
  const bool present = due(announced_, now);
  if (present) {
    factory.update(
        {{"version", APF_VERSION}, {"url", me.log_url}, {"email", server_.settings().email}, {"type", "apf"}});
    factory["credential_ends"] = credential_ends(credentials_, wall_now(), context).ms;
    if (!presented_) factory["started"] = true;
  }
  std::vector<std::pair<const std::string, LabelNews>*> due_labels;
  for (auto& label : labels_)
    if (due(label.second.announced, now) || message_due(label.second, now)) due_labels.push_back(&label);
  for (std::size_t from = 0; from < due_labels.size() || (from == 0 && present); from += kLabelsAtOnce) {
    if (mono_now() >= end || context.stopping()) return {};
    json labels = json::array();
    const std::size_t to = std::min(from + kLabelsAtOnce, due_labels.size());
    for (std::size_t i = from; i < to; ++i) {
      const auto& [name, label] = *due_labels[i];
      json& entry = labels.emplace_back(json{{"name", name}});
      put(entry, "wms_queue", label.wms_queue);
      put(entry, "batch_queue", label.batch);
      put(entry, "site", label.site);
      put(entry, "cloud", label.cloud);
      if (!message_due(label, now)) continue;
      put(entry, "status", label.message);
      put(entry, "at", label.at);
    }
    if (auto ok = post(server_, {{"factory", factory}, {"labels", std::move(labels)}}, context); !ok) {
      if (!hopeless(ok.error())) return ok;
      context.log(Level::warning, fmt::format("{} labels are not told: {}", to - from, ok.error().text()));
    }
    for (std::size_t i = from; i < to; ++i) {
      LabelNews& label = due_labels[i]->second;
      label.announced = now;
      if (!message_due(label, now)) continue;
      label.told_at = now;
      label.told = label.message;
    }
  }
  if (present) announced_ = now;
  presented_ = presented_ || present;
  return {};
}

// The oldest n. What the monitor refuses is halved until the one that it does not like is alone, and left out.
Status Reporter::bulk_pilots(const FactoryIdentity& me, std::size_t n, Context& context) {
  json news{{"factory", me.factory_id}, {"pilots", json::array()}};
  std::vector<const PilotNews*> told;
  for (std::size_t i = 0; i < n; ++i) told.push_back(&pilots_.at(i));
  for (const PilotNews* pilot : told) put_pilot(news["pilots"], *pilot);
  if (json keys = submissions_of(told); !keys.empty()) news["submissions"] = std::move(keys);
  auto ok = post(server_, news, context);
  if (!ok && !hopeless(ok.error())) return ok;
  if (!ok && n > 1) {
    if (auto half = bulk_pilots(me, n / 2, context); !half) return half;
    return bulk_pilots(me, n - n / 2, context);
  }
  if (!ok) context.log(Level::warning, "a pilot is not told: " + ok.error().text());
  for (std::size_t i = 0; i < n; ++i) pilots_.pop();
  return {};
}

Status Reporter::bulk(const FactoryIdentity& me, Mono end, Context& context) {
  if (auto ok = bulk_labels(me, end, context); !ok) return ok;
  while (!pilots_.empty() && mono_now() < end && !context.stopping())
    if (auto ok = bulk_pilots(me, std::min(pilots_.size(), kPilotsAtOnce), context); !ok) return ok;
  return {};
}

}  // namespace apf::apfmon
