#include "monitor/alarms/alarm_book.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace apf::monitor {
namespace {

using nlohmann::json;

tl::unexpected<Error> no(const char* code, std::string what) { return fail(Kind::permanent, code, std::move(what)); }

json to_json(const Mute& m) {
  return {{"code", m.code},     {"subject", m.subject},   {"who", m.who},
          {"reason", m.reason}, {"since_ms", m.since.ms}, {"until_ms", m.until.ms}};
}

json to_json(const Alarm& a, bool told) {
  const Finding& f = a.found;
  return {
      {"code", f.code},
      {"factory", f.factory},
      {"label", f.label},
      {"node", f.node},
      {"text", f.text},
      {"advice", f.advice},
      {"evidence", f.evidence},
      {"since_ms", a.since.ms},
      {"told", told},
      {"acknowledged", {{"who", a.acknowledged.who}, {"note", a.acknowledged.note}, {"at_ms", a.acknowledged.at.ms}}}};
}

Alarm alarm_of(const json& j) {
  Alarm a;
  a.found.code = j.at("code");
  a.found.factory = j.at("factory");
  a.found.label = j.at("label");
  a.found.node = j.at("node");
  a.found.text = j.at("text");
  a.found.advice = j.at("advice");
  a.found.evidence = j.at("evidence").get<std::vector<std::string>>();
  a.since = a.changed = Wall{j.at("since_ms")};
  const json& by = j.at("acknowledged");
  a.acknowledged = {by.at("who"), by.at("note"), Wall{by.at("at_ms")}};
  return a;
}

Mute mute_of(const json& j) {
  return {j.at("code"), j.at("subject"), j.at("who"), j.at("reason"), Wall{j.at("since_ms")}, Wall{j.at("until_ms")}};
}

}  // namespace

bool AlarmBook::muted(const Finding& f, Wall now) const {
  return std::any_of(mutes_.begin(), mutes_.end(), [&](const Mute& m) { return m.covers(f, now); });
}

void AlarmBook::meet(Finding found, Mono now, Wall shown) {
  Key key{found.code, found.subject()};
  if (!entries_.contains(key) && entries_.size() >= kMostAlarms) {
    ++left_out_;
    return;
  }
  const auto [at, fresh] = entries_.try_emplace(std::move(key));
  Entry& e = at->second;
  const bool anew = !fresh && !e.loaded && e.alarm.found.episode != found.episode;
  if (anew && e.stands && found.after > Duration{}) return;  // it goes on, but not for long enough: it will calm down
  if (fresh || (anew && !e.stands)) e.since = now;
  e.loaded = false;
  e.seen = now;
  if (e.alarm.found.text != found.text) e.alarm.changed = shown;
  e.alarm.found = std::move(found);
}

void AlarmBook::raise(Entry& e, Wall shown, std::vector<Notice>& told) {
  if (!e.stands) {
    e.stands = changed_ = true;
    e.alarm.since = e.alarm.changed = shown;
  }
  e.alarm.muted = muted(e.alarm.found, shown);
  if (e.told || e.alarm.muted || e.alarm.acknowledged.at.ms != 0) return;
  e.told = changed_ = true;
  told.push_back({true, e.alarm});
}

std::vector<Notice> AlarmBook::judge(std::vector<Finding> found, Mono now, Wall shown) {
  left_out_ = 0;
  const std::size_t before = mutes_.size();
  std::erase_if(mutes_, [&](const Mute& m) { return m.until.ms != 0 && m.until <= shown; });
  if (mutes_.size() != before) changed_ = true;
  for (Finding& f : found) meet(std::move(f), now, shown);
  std::vector<Notice> told;
  for (auto it = entries_.begin(); it != entries_.end();) {
    Entry& e = it->second;
    const bool present = e.seen == now;
    if (present && (e.stands || now - e.since >= e.alarm.found.after)) raise(e, shown, told);
    const bool over = !present && (!e.stands || now - e.seen >= calm_);
    if (over && e.stands) {
      changed_ = true;
      if (e.told && !muted(e.alarm.found, shown)) told.push_back({false, e.alarm});
    }
    it = over ? entries_.erase(it) : std::next(it);
  }
  return told;
}

Status AlarmBook::acknowledge(const std::string& code, const std::string& subject, Acknowledged by) {
  const auto it = entries_.find({code, subject});
  if (it == entries_.end() || !it->second.stands)
    return no("alarm.unknown", "no such alarm stands: " + code + " " + subject);
  it->second.alarm.acknowledged = std::move(by);
  changed_ = true;
  return {};
}

Status AlarmBook::mute(Mute mute, Wall now) {
  if (mute.code.empty() && mute.subject.empty()) return no("alarm.bad_mute", "a mute needs a code, a subject or both");
  if (mute.until.ms != 0 && mute.until <= now) return no("alarm.bad_mute", "the end of the mute has passed already");
  std::erase_if(mutes_, [&](const Mute& m) { return m.code == mute.code && m.subject == mute.subject; });
  if (mutes_.size() >= kMostMutes) return no("alarm.too_many", "there are 1000 mutes already");
  mutes_.push_back(std::move(mute));
  for (auto& [key, e] : entries_) e.alarm.muted = muted(e.alarm.found, now);
  changed_ = true;
  return {};
}

Status AlarmBook::unmute(const std::string& code, const std::string& subject) {
  const auto gone = std::erase_if(mutes_, [&](const Mute& m) { return m.code == code && m.subject == subject; });
  if (gone == 0) return no("alarm.unknown", "nothing is muted so");
  changed_ = true;
  return {};
}

std::vector<Alarm> AlarmBook::standing() const {
  std::vector<Alarm> all;
  for (const auto& [key, e] : entries_)
    if (e.stands) all.push_back(e.alarm);
  std::stable_sort(all.begin(), all.end(), [](const Alarm& a, const Alarm& b) { return a.since > b.since; });
  return all;
}

std::string AlarmBook::save(const Waiting& waiting) const {
  json alarms = json::array();
  for (const auto& [key, e] : entries_)
    if (e.stands) alarms.push_back(to_json(e.alarm, e.told));
  json muted = json::array();
  for (const Mute& m : mutes_) muted.push_back(to_json(m));
  json left = json::object();
  for (const auto& [channel, notices] : waiting)
    for (const Notice& n : notices) left[channel].push_back({{"raised", n.raised}, {"alarm", to_json(n.alarm, true)}});
  const json all = {
      {"format", 1}, {"alarms", std::move(alarms)}, {"mutes", std::move(muted)}, {"waiting", std::move(left)}};
  return all.dump(1, ' ', false, json::error_handler_t::replace);
}

Status AlarmBook::load(std::string_view text, Mono now, Waiting* waiting) {
  entries_.clear();
  mutes_.clear();
  try {
    const json all = json::parse(text);
    if (all.at("format") != 1) return no("alarm.bad_file", "it is of another version of this program");
    for (const json& j : all.at("alarms")) {
      Entry e;
      e.alarm = alarm_of(j);
      e.told = j.at("told");
      e.stands = e.loaded = true;
      e.since = e.seen = now;
      entries_.emplace(Key{e.alarm.found.code, e.alarm.found.subject()}, std::move(e));
    }
    for (const json& j : all.at("mutes")) mutes_.push_back(mute_of(j));
    if (waiting != nullptr && all.contains("waiting"))
      for (const auto& [channel, notices] : all.at("waiting").items())
        for (const json& j : notices) (*waiting)[channel].push_back({j.at("raised"), alarm_of(j.at("alarm"))});
  } catch (const json::exception& e) {
    entries_.clear();
    mutes_.clear();
    if (waiting != nullptr) waiting->clear();
    return no("alarm.bad_file", e.what());
  }
  return {};
}

}  // namespace apf::monitor
