#include "monitor/show/events.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "monitor/router.h"
#include "monitor/show/read_json.h"
#include "monitor/store/keys.h"
#include "protocol/json_value.h"

namespace apf::monitor {
namespace {

using nlohmann::json;

constexpr milliseconds kTick{500};
constexpr seconds kBeat{15};                   // proxies cut what is silent for long
constexpr std::size_t kMostWaiting = 100'000;  // changes of pilots

std::string event(const char* kind, const json& data) {
  return std::string("event: ") + kind + "\ndata: " + protocol::json_value::dump(data) + "\n\n";
}

}  // namespace

Events::Events(Board& board, Writer& writer, const Links& links) : board_(board), links_(links), beat_(mono_now()) {
  writer.watch([this](const Committed& committed) { note(committed); });
  thread_ = std::thread([this] { work(); });
}

void Events::listen(const net::Request& request, const net::ReplyPtr& reply) {
  Subject subject;
  subject.factory = asked(request, "factory");
  if (!subject.factory.empty()) subject.about = About::factory;
  for (const auto& [field, about] :
       {std::pair("label", About::label), {"pilot", About::pilot}, {"node", About::node}}) {
    const std::string value = asked(request, field);
    if (value.empty()) continue;
    subject.about = about;
    subject.name = value;
  }
  net::Response head;
  head.type = "text/event-stream";
  head.headers["Cache-Control"] = "no-store";
  head.headers["X-Accel-Buffering"] = "no";  // nginx would hold events back
  head.body = "retry: 3000\n" + event("hello", {{"version", board_.get()->version}});
  const std::lock_guard lock(mutex_);
  if (stopping_) return reply->send(problem(503, "monitor.stopping", "the monitor stops"));
  auto& listeners = subjects_[subject];
  if (listeners.empty() && subject.about == About::pilot) ++pilot_subjects_;
  listeners.push_back(reply->stream(std::move(head)));
}

void Events::note(const Committed& committed) {
  const std::lock_guard lock(mutex_);
  if (pilot_subjects_ == 0) return;
  for (const PilotChange& p : committed.pilots) {
    if (waiting_.size() >= kMostWaiting) return;  // a page shows it when it asks again
    waiting_.emplace_back(committed.version, p.key);
  }
}

void Events::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kTick, [this] { return stopping_; });
    if (!stopping_) tick(*board_.get());
  }
}

// Those of commits that the snapshot has: who asks again now is answered with them.
void Events::take_changes(const Snapshot& now) {
  changed_.clear();
  std::erase_if(waiting_, [&](const auto& w) {
    if (w.first <= now.version) changed_.push_back(w.second);
    return w.first <= now.version;
  });
  std::sort(changed_.begin(), changed_.end());
}

// With the lock.
void Events::tick(const Snapshot& now) {
  take_changes(now);
  const bool beat = mono_now() - beat_ >= kBeat;
  if (beat) beat_ = mono_now();
  for (auto it = subjects_.begin(); it != subjects_.end();) {
    auto& [subject, listeners] = *it;
    std::erase_if(listeners, [](const net::StreamPtr& s) { return s->closed(); });
    if (listeners.empty()) {
      if (subject.about == About::pilot) --pilot_subjects_;
      it = subjects_.erase(it);
      continue;
    }
    std::string text = now.version > shown_ ? news_of(subject, now) : std::string();
    if (text.empty() && beat) text = ":\n\n";
    if (!text.empty()) {
      const auto piece = std::make_shared<const std::string>(std::move(text));
      for (const auto& listener : listeners) listener->write(piece);
    }
    ++it;
  }
  shown_ = now.version;
}

bool Events::pilot_changed(FactoryNo factory, const std::string& id) const {
  const auto key = key_of(factory, id);
  if (key) return std::binary_search(changed_.begin(), changed_.end(), *key);
  const auto any = std::lower_bound(changed_.begin(), changed_.end(), first_key(factory));
  return any != changed_.end() && *any <= last_key(factory);
}

// Nothing: nothing new.
std::string Events::news_of(const Subject& subject, const Snapshot& now) const {
  if (subject.about == About::overview) {
    const json changes = overview_json(now, shown_, 0);
    return event("overview", changes);
  }
  if (subject.about == About::node) {
    const auto* node = now.node(subject.name);
    if (node == nullptr || node->changed <= shown_) return {};
    json j = node_json(*node, now);
    j["version"] = now.version;
    j["at"] = iso8601(now.at);
    return event("node", j);
  }
  const auto* factory = now.factory(subject.factory);
  if (factory == nullptr) return {};
  if (subject.about == About::factory) {
    const json changes = overview_json(now, shown_, factory->no);
    return changes["factories"].empty() && changes["labels"].empty() ? std::string() : event("overview", changes);
  }
  if (subject.about == About::pilot)
    return pilot_changed(factory->no, subject.name) ? event("pilot", {{"version", now.version}}) : std::string();
  const auto* label = now.label(subject.factory, subject.name);
  if (label == nullptr || label->changed <= shown_) return {};
  return event("label", label_page_json(*label, now, links_));
}

void Events::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  subjects_.clear();
}

}  // namespace apf::monitor
