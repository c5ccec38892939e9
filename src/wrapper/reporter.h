// Reports to the factory (APFMon job form, protocol/apfmon.h) from a thread of its own: a factory that is slow or down
// never delays the pilot.
//
// Thread-safety: used by one thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "protocol/apfmon.h"

namespace apf::wrapper {

class Reporter {
 public:
  // From APFMON, APFFID, APFCID, APF_SUBMISSION, APF_INDEX; without APFMON it does nothing.
  Reporter(std::string key, std::string node);
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;
  ~Reporter() { finish(); }

  void report(protocol::apfmon::Report report);
  void finish();  // waits at most 2 s for what was reported last

 private:
  void run();
  void send(const std::string& body);

  std::string url_, key_, node_, submission_;
  std::optional<std::uint32_t> index_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;                     // guarded by mutex_
  bool stopping_ = false, idle_ = true, done_ = false;  // guarded by mutex_
  std::atomic<bool> abort_{false};
  std::thread thread_;
};

}  // namespace apf::wrapper
