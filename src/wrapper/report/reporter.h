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

#include "apf/time.h"
#include "protocol/apfmon.h"
#include "wrapper/report/udp_sender.h"

namespace apf::wrapper {

class Reporter {
 public:
  // From APFMON, APFFID, APFCID, APF_SUBMISSION, APF_INDEX; without APFMON it sends nothing by HTTP. `udp`: address
  // that gets a datagram at start and end, too (udp.h); empty: none.
  Reporter(std::string key, std::string node, std::string udp, std::string queue);
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;
  ~Reporter() { finish(); }

  void report(protocol::apfmon::Report report);
  void attach_profile(std::string json) { profile_ = std::move(json); }  // travels with the next report
  void finish();                                                         // waits at most 2 s for what was reported last

  // Did a report reach the factory? Waits at most so long for the first one's end. `unknown`: there is no factory to
  // report to, or nothing has come to an end yet.
  enum class Heard : std::uint8_t { unknown, something, nothing };
  Heard heard(Duration patience);
  [[nodiscard]] bool has_factory() const { return !url_.empty(); }

 private:
  void run();
  void tell_udp(const protocol::apfmon::Report& report);
  bool send(const std::string& body) const;  // false: nobody answered

  std::string url_, key_, node_, submission_, queue_, profile_;
  UdpSender udp_;
  Mono born_ = mono_now();
  std::optional<std::uint32_t> index_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;      // guarded by mutex_
  bool stopping_ = false, idle_ = true;  // guarded by mutex_
  Heard heard_ = Heard::unknown;         // guarded by mutex_
  std::atomic<bool> abort_{false};
  std::thread thread_;
};

}  // namespace apf::wrapper
