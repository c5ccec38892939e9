// Renews the lease of one job in the background, so that a slow WMS never delays signals or the end of the payload.
//
// Thread-safety: made, asked and stopped by one thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "wrapper/jobs/wms.h"
#include "wrapper/payload/payload.h"

namespace apf::wrapper {

class Heartbeat {
 public:
  // Says "running" at once and then as lease.h tells; new deadlines go to the payload's guardian, and so does the
  // word of the WMS that this attempt has to end.
  Heartbeat(const Wms& wms, const Wms::Acquired& acquired, const Payload& payload);
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;
  ~Heartbeat() { stop(); }

  void stop();  // returns within about 2 s, even if the WMS hangs
  // What the WMS said last, after stop().
  [[nodiscard]] const std::string& kill_command() const { return command_; }  // "tobekilled", "badattemptnr", ...
  [[nodiscard]] Mono lease_end() const { return lease_end_; }                 // ns 0: no lease

 private:
  void run();
  Duration beat();  // time until the next one
  void renewed(const Wms::Updated& updated);

  const Wms& wms_;
  const protocol::panda::Job& job_;
  const Payload& payload_;
  Duration lease_;
  Mono lease_end_;
  std::string command_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false, done_ = false;  // guarded by mutex_
  std::atomic<bool> abort_{false};
  std::thread thread_;
};

}  // namespace apf::wrapper
