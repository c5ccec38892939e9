#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "apfmon.h"
#include "protocol/apfmon.h"
#include "protocol/apfmon_factory.h"
#include "protocol/form.h"

namespace apf::apfmon {
namespace {

namespace wire = protocol::apfmon;

constexpr Duration kAgain = seconds{3600};  // factory and labels are told anew, for servers that forget
constexpr std::size_t kPilotsAtOnce = 100;  // in one request
constexpr std::size_t kLabelsAtOnce = 20;   // likewise
constexpr int kTries = 3;                   // of new pilots that the server refuses
constexpr const char* kJson = "application/json";
constexpr const char* kForm = "application/x-www-form-urlencoded";

bool due(Mono told, Mono now) { return told.ns == 0 || now - told >= kAgain; }

}  // namespace

// The factory, then its labels: a server of the original kind wants to know both before their pilots.
Status Reporter::classic_announce(const FactoryIdentity& me, Context& context) {
  const Mono now = mono_now();
  if (due(announced_, now)) {
    if (auto ok = server_.send("PUT", wire::factory_path(me.factory_id),
                               wire::write_factory({me.factory_id, me.log_url, APF_VERSION, server_.settings().email}),
                               kJson, context);
        !ok)
      return ok;
    announced_ = now;
  }
  std::vector<wire::Label> batch;
  std::vector<LabelNews*> told;
  const auto flush = [&]() -> Status {
    if (batch.empty()) return {};
    if (auto ok = server_.send("PUT", "/labels", wire::write_labels(batch), kJson, context); !ok) return ok;
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

Status Reporter::classic_new_pilots(const FactoryIdentity& me, Context& context) {
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
    if (auto ok = server_.send("PUT", "/jobs", wire::write_pilots(batch), kJson, context); !ok) {
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
Status Reporter::classic_state(const FactoryIdentity& me, const PilotNews& news, const char* state,
                               Context& context) const {
  std::vector<protocol::FormField> form = {{"state", state}};
  const std::string_view word = state;
  if (word != "running" && news.exit_code >= 0) form.emplace_back("rc", std::to_string(news.exit_code));
  if (!news.node.empty()) form.emplace_back("node", news.node);
  if (word == "fault" && !news.reason.empty()) form.emplace_back("text", news.reason.substr(0, 256));
  auto sent =
      server_.send("POST", wire::job_path({me.factory_id, news.batch_id}), protocol::write_form(form), kForm, context);
  if (sent || !hopeless(sent.error())) return sent;
  return {};
}

Status Reporter::classic_states(const FactoryIdentity& me, Mono end, Context& context) {
  while (!pilots_.empty() && mono_now() < end && !context.stopping()) {
    PilotNews& news = pilots_.front();
    if (news.running) {
      if (auto ok = classic_state(me, news, "running", context); !ok) return ok;
      news.running = false;
    }
    if (news.end == PilotState::done) {
      for (const char* state : {"exiting", "done"})
        if (auto ok = classic_state(me, news, state, context); !ok) return ok;
    } else if (news.end) {
      if (auto ok = classic_state(me, news, "fault", context); !ok) return ok;
    }
    pilots_.pop();
  }
  return {};
}

Status Reporter::classic_messages(const FactoryIdentity& me, Mono end, Context& context) {
  for (auto& [name, label] : labels_) {
    const Mono now = mono_now();
    if (now >= end || context.stopping()) return {};
    if (!message_due(label, now)) continue;
    if (auto ok = server_.send("POST", wire::label_path(me.factory_id, name), wire::write_label_status(label.message),
                               kForm, context);
        !ok && !hopeless(ok.error()))
      return ok;
    label.told = label.message;
    label.told_at = now;
  }
  return {};
}

}  // namespace apf::apfmon
