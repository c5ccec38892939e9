// Takes the datagrams of pilot-wrapper (protocol/pilot_datagram.h). They carry no secret and anybody can make them up,
// so they are believed little: only for factories that are known already, never more than so many a second from an
// address, and a supervisor's line only for a pilot that is known. The state machine takes forward moves only.
//
// Thread-safety: start and destruction by one thread, destruction after the readers have stopped; stats() by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "apf/options.h"
#include "monitor/access/access.h"
#include "monitor/figures.h"
#include "monitor/store/readers.h"
#include "monitor/store/writer.h"
#include "net/open_beneath.h"
#include "protocol/pilot_datagram.h"

namespace apf::monitor {

std::span<const OptionSpec> udp_options();  // of [udp]

// The news in a datagram; its label is that of Harvester: QUEUE-CE.
PilotNews news_of(const protocol::PilotDatagram& d, const std::string& address);

class Udp {
 public:
  struct Ports {
    Board& board;
    Writer& writer;
    Readers& readers;
    std::function<void(const std::string&)> log;
  };
  struct Stats {
    std::int64_t taken = 0, bad = 0, dropped = 0;  // dropped: unknown factory, too many, overload
  };
  // `address`: "0.0.0.0:28527". Errors (config): "config.bad_address", "net.cannot_listen".
  static Result<std::unique_ptr<Udp>> start(const std::string& address, std::int64_t rate, Ports ports);
  Udp(const Udp&) = delete;
  Udp& operator=(const Udp&) = delete;
  ~Udp();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] Stats stats() const { return {taken_, bad_, dropped_}; }

 private:
  struct Got {
    protocol::PilotDatagram datagram;
    std::string address;
  };
  Udp(net::OwnedFd fd, std::uint16_t port, std::int64_t rate, Ports ports);
  void run();
  std::vector<Got> receive();  // what is there, at most kAtOnce
  void give(std::vector<Got> all);
  void give_supervisors(Got got, FactoryNo factory);

  net::OwnedFd fd_;
  std::uint16_t port_;
  Ports ports_;
  RateLimit limit_;
  std::atomic<std::int64_t> taken_ = 0, bad_ = 0, dropped_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;  // last: it begins when the rest is there
};

}  // namespace apf::monitor
