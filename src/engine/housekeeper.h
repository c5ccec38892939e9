// The thread that does what comes round: the submit host's state (R13), retention of the ledger, the log tree, calls
// that hang, counts of repeated decisions. Everything that may block for long goes to a lane.
//
// Thread-safety: constructed and destroyed by one thread; ports are called on its own thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "core/event.h"
#include "engine/alarms.h"
#include "engine/lanes.h"
#include "engine/log_cleaner.h"
#include "engine/stop.h"

namespace apf::engine {

class Housekeeper {
 public:
  struct Ports {
    std::function<std::shared_ptr<const core::Config>()> config;
    std::function<void(core::Event)> post;
    std::function<void(Wall before)> trim;  // starts a bite of retention
    std::function<void()> flush_journal;
    std::function<Status(std::unordered_set<std::string>&)> live_ids;  // blocks
  };

  Housekeeper(Ports ports, Lanes& lanes, Alarms& alarms, Duration every = seconds{10});
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;
  ~Housekeeper();

  void round();  // one round; also what tests call
  void stop();

 private:
  void look();
  void watch_calls();
  void clean();

  Ports ports_;
  Lanes& lanes_;
  Alarms& alarms_;
  Duration every_;
  std::shared_ptr<Stop> stop_ = std::make_shared<Stop>();
  std::vector<std::string> overdue_;
  std::int64_t rounds_ = 0;
  bool low_ = false;
  Mono cleaned_{};
  std::thread thread_;
};

// What the log cleaner is to do under this configuration.
CleanOrder clean_order(const core::Config& config, Wall now);

}  // namespace apf::engine
