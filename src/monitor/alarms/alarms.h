// The alarms of the running monitor: a thread that looks at the figures once a second, keeps the book
// (DIR/alarms.json) and gives notices to the couriers; and what HTTP shows and changes of it.
//
//   GET  /api/v1/alarms              what stands, what is muted, how delivery goes
//   GET  /api/v1/report              what needs a ticket now, with evidence and a text to paste
//   POST /api/v1/alarms/acknowledge  {"code", "subject", "note"}
//   POST /api/v1/alarms/mute         {"code", "subject", "reason", "for": "2h"}; no "for": until it is lifted
//   POST /api/v1/alarms/unmute       {"code", "subject"}
// Orders need an administrator's token (access.h); who gave one is the name of the token.
//
// Thread-safety: all members from any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "apf/options.h"
#include "monitor/alarms/alarm_book.h"
#include "monitor/alarms/alarm_rules.h"
#include "monitor/alarms/courier.h"
#include "monitor/figures.h"

namespace apf::monitor {

std::span<const OptionSpec> alarm_options();  // of [alarms]; "url" is for messages
AlarmLimits alarm_limits(const Options& options);

class Alarms {
 public:
  struct Way {
    std::unique_ptr<Channel> channel;
    Duration interval = Courier::Limits{}.interval;
  };
  struct Ports {
    std::function<SnapshotPtr()> figures;
    std::string file;  // alarms.json
    AlarmLimits limits;
    std::vector<Way> channels;
    std::function<void(const std::string&)> log;
  };
  struct Delivery {
    std::string channel;
    Courier::Stats stats;
  };

  explicit Alarms(Ports ports);  // a file that can't be read is kept as alarms.json.bad, and said in the log
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;
  ~Alarms();

  [[nodiscard]] std::vector<Alarm> standing() const;
  [[nodiscard]] std::vector<Mute> mutes() const;
  [[nodiscard]] std::size_t left_out() const;
  [[nodiscard]] std::vector<Delivery> deliveries() const;
  // What a person orders: `change` is made on the thread of the alarms, and `done` told there when it is on the disk.
  // `done` gets the error of `change`, or "file.not_written" (transient: it holds until the next restart). Never called
  // when the monitor stops before.
  using Change = std::function<Status(AlarmBook&)>;
  using Done = std::function<void(const Status&)>;
  void order(Change change, Done done);

 private:
  struct Order {
    Change change;
    Done done;
  };
  void load();
  void run();
  void judge();
  void carry_out(std::vector<Order> orders);
  Status save();  // what changed; on the thread

  Ports ports_;
  const Wall began_ = wall_now();
  std::vector<std::unique_ptr<Courier>> couriers_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  AlarmBook book_;             // guarded by mutex_
  std::vector<Order> orders_;  // guarded by mutex_
  bool stopping_ = false;      // guarded by mutex_
  bool unsaved_ = false;       // the thread's own: the file has something else
  std::thread thread_;         // last: it begins when the rest is there
};

}  // namespace apf::monitor
