// The factory's configuration as values: what src/config makes of the files and what the core works on.
//
// Thread-safety: plain values; shared as pointers to const.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "apf/queue.h"

namespace apf::core {

// What every source section has besides its plug-in's own options.
struct WmsSource {
  std::string name, plugin;
  Duration interval = seconds{30};  // between polls; also the length of a queue's cycle (R1)
  Duration max_age = seconds{360};  // older views hold the queue
  Duration timeout = seconds{60};   // of one poll
  Duration lag = seconds{-1};       // how old its tables may be (R2); negative: what the plug-in says
  Duration pickup = seconds{120};   // a pilot takes its job within this time of its start (R2)
  Options options;
  bool operator==(const WmsSource&) const = default;
};

struct BatchSource {
  std::string name, plugin;
  Duration interval = seconds{30};
  Duration reconcile = seconds{300};  // between polls while events tell everything
  Duration max_age = seconds{360};
  Duration timeout = seconds{120};              // of one call
  Duration settle_wait = seconds{60};           // between the two looks that settle a submission (R8)
  std::int64_t max_pilots = 0;                  // live pilots in this target; 0: no limit (R13)
  std::int64_t max_submissions_per_minute = 0;  // pilots a minute; 0: no limit (R13)
  Options options;
  bool operator==(const BatchSource&) const = default;
};

struct MonitorTarget {
  std::string name, plugin;
  Options options;
  bool operator==(const MonitorTarget&) const = default;
};

struct FactorySettings {
  std::string factory_id;  // R9
  std::string state_dir, log_dir, log_url;
  std::string listen = "127.0.0.1:0";           // HTTP API, reports, logs; empty: none
  std::string report_url;                       // what pilots are told; empty: from listen
  std::string alarm_command;                    // run once for each alarm raised or cleared (R17)
  std::string wrapper, next_wrapper;            // tarballs; empty: the one beside the program, none
  std::int64_t max_pilots = 0;                  // live pilots of the factory; 0: no limit (R13)
  std::int64_t max_submissions_per_minute = 0;  // pilots a minute; 0: no limit (R13)
  std::int64_t min_free_disk = std::int64_t{512}
                               << 20;  // bytes of state and log disk below which nothing is submitted (R13)
  std::int64_t min_free_memory = std::int64_t{256} << 20;  // bytes of available memory, likewise
  Duration retention = seconds{7L * 86400};                // finished pilots stay in the ledger for this time
  Duration journal_age = seconds{30L * 86400};
  std::int64_t journal_size = std::int64_t{256} << 20;  // bytes, all rotations together
  std::int64_t log_size = std::int64_t{20} << 30;       // bytes of the pilots' log tree
  bool operator==(const FactorySettings&) const = default;
};

struct Config {
  FactorySettings factory;
  std::vector<WmsSource> wms;
  std::vector<BatchSource> batch;
  std::vector<MonitorTarget> monitors;
  std::vector<std::shared_ptr<const QueueSpec>> queues;  // those disabled by configuration included
  std::string version;                                   // "3 (2026-11-21T23:50:14Z, sha256 12ab…)": shown everywhere
};

}  // namespace apf::core
