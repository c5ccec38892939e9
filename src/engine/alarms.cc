#include "engine/alarms.h"

#include <algorithm>
#include <utility>

#include "engine/log.h"

namespace apf::engine {

void Alarms::changed(const core::Alarm& alarm, bool raised, Mono now) {
  const std::scoped_lock lock(mutex_);
  tell(alarm, raised, now);
}

void Alarms::raise(const std::string& code, const std::string& subject, const std::string& text, Mono now, Wall shown) {
  const std::scoped_lock lock(mutex_);
  const auto [at, fresh] = own_.try_emplace({code, subject}, core::Alarm{code, subject, text, shown});
  at->second.text = text;
  if (fresh) tell(at->second, true, now);
}

void Alarms::clear(const std::string& code, const std::string& subject, Mono now) {
  const std::scoped_lock lock(mutex_);
  const auto at = own_.find({code, subject});
  if (at == own_.end()) return;
  const core::Alarm alarm = at->second;
  own_.erase(at);
  tell(alarm, false, now);
}

std::vector<core::Alarm> Alarms::own() const {
  const std::scoped_lock lock(mutex_);
  std::vector<core::Alarm> all;
  for (const auto& [key, alarm] : own_) all.push_back(alarm);
  return all;
}

// The log has every change; the operator's command only as many as a person can read.
void Alarms::tell(const core::Alarm& alarm, bool raised, Mono now) {
  log(raised ? Level::warning : Level::info, "alarm",
      (raised ? "raised " : "cleared ") + alarm.code + " " + alarm.subject + ": " + alarm.text);
  const Key key{alarm.code, alarm.subject};
  if (!raised) {
    const bool unseen = quiet_.erase(key) > 0;
    if (!unseen && notify_) notify_(alarm, false, std::exchange(suppressed_, 0));
    return;
  }
  std::erase_if(lately_, [&](Mono t) { return now - t > limits_.window; });
  std::erase_if(told_, [&](const auto& entry) { return now - entry.second > limits_.repeat; });
  if (told_.contains(key) || static_cast<int>(lately_.size()) >= limits_.most) {
    quiet_[key] = true;
    ++suppressed_;
    return;
  }
  told_[key] = now;
  lately_.push_back(now);
  if (notify_) notify_(alarm, true, std::exchange(suppressed_, 0));
}

Command alarm_command(const std::string& command, const core::Alarm& alarm, bool raised, std::int64_t suppressed) {
  Command c;
  c.argv = {"/bin/sh", "-c", command};
  c.environment = {{"APF_ALARM", raised ? "raised" : "cleared"}, {"APF_ALARM_CODE", alarm.code},
                   {"APF_ALARM_SUBJECT", alarm.subject},         {"APF_ALARM_TEXT", alarm.text},
                   {"APF_ALARM_SINCE", iso8601(alarm.since)},    {"APF_ALARM_SUPPRESSED", std::to_string(suppressed)}};
  c.output_cap = 4096;
  return c;
}

}  // namespace apf::engine
