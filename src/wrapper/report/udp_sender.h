// Sends a pilot's datagrams. The static program has no resolver, so a name is looked up by the node's getent, once and
// beside the pilot: datagrams wait for the answer, the pilot does not.
//
// Thread-safety: used by one thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace apf::wrapper {

class UdpSender {
 public:
  explicit UdpSender(std::string address);  // as udp.h takes it; empty: nothing is sent
  UdpSender(const UdpSender&) = delete;
  UdpSender& operator=(const UdpSender&) = delete;
  ~UdpSender() { finish(); }

  [[nodiscard]] bool wanted() const { return wanted_; }
  void send(std::string datagram);
  void finish();  // waits at most 1 s for a name that is still looked up

 private:
  void look_up(const std::string& name);

  std::string address_;  // guarded by mutex_; numeric, or empty while the name is looked up and when that failed
  const bool wanted_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> waiting_;  // guarded by mutex_
  bool looking_ = false;              // guarded by mutex_
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace apf::wrapper
