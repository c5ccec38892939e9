// Which alarms stand: raised once, cleared once, acknowledged and muted by people, kept across restarts.
//
// A finding becomes an alarm when it has stood for its `after`, and the alarm ends when it has not been found for
// `calm`, so that figures which tremble at a limit raise one alarm and not many. The text of a standing alarm follows
// the figures.
//
// Thread-safety: used by one thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apf/result.h"
#include "monitor/alarms/alarm.h"

namespace apf::monitor {

class AlarmBook {
 public:
  static constexpr std::size_t kMostAlarms = 5000;  // further ones are counted only
  static constexpr std::size_t kMostMutes = 1000;

  explicit AlarmBook(Duration calm = seconds{60}) : calm_(calm) {}

  // What has to be told: nothing of muted alarms, and no end of an alarm whose beginning was not told.
  std::vector<Notice> judge(std::vector<Finding> found, Mono now, Wall shown);

  // Errors (permanent): "alarm.unknown", "alarm.bad_mute", "alarm.too_many".
  Status acknowledge(const std::string& code, const std::string& subject, Acknowledged by);
  Status mute(Mute mute, Wall now);
  Status unmute(const std::string& code, const std::string& subject);

  [[nodiscard]] std::vector<Alarm> standing() const;  // newest first
  [[nodiscard]] const std::vector<Mute>& mutes() const { return mutes_; }
  [[nodiscard]] std::size_t left_out() const { return left_out_; }

  // True once after something changed that save() would keep.
  bool take_changed() { return std::exchange(changed_, false); }
  // JSON, for load() of a later run. An error of load ("alarm.bad_file", permanent) leaves the book empty.
  // `waiting`: notices that had not gone out when the monitor stopped, by channel.
  using Waiting = std::map<std::string, std::vector<Notice>>;
  [[nodiscard]] std::string save(const Waiting& waiting = {}) const;
  Status load(std::string_view text, Mono now, Waiting* waiting = nullptr);

 private:
  using Key = std::pair<std::string, std::string>;  // code, subject
  struct Entry {
    Alarm alarm;
    bool stands = false, told = false;
    Mono since, seen;
    bool loaded = false;  // its episode is that of an earlier run: any is the same
  };
  [[nodiscard]] bool muted(const Finding& f, Wall now) const;
  void meet(Finding found, Mono now, Wall shown);
  void raise(Entry& entry, Wall shown, std::vector<Notice>& told);

  Duration calm_;
  std::map<Key, Entry> entries_;
  std::vector<Mute> mutes_;
  std::size_t left_out_ = 0;
  bool changed_ = false;
};

}  // namespace apf::monitor
