#include "wrapper/report/udp_sender.h"

#include <utility>

#include "apf/time.h"
#include "process/supervisor.h"
#include "wrapper/log.h"
#include "wrapper/report/udp.h"

namespace apf::wrapper {
namespace {

constexpr Duration kLongestLookUp = seconds{60};  // a resolver tries all its servers, twice
constexpr std::size_t kLongestAnswer = 1 << 16U;

}  // namespace

UdpSender::UdpSender(std::string address) : address_(std::move(address)), wanted_(!address_.empty()) {
  if (const std::string name = udp_name(address_); !name.empty()) {
    looking_ = true;
    thread_ = std::thread([this, name] { look_up(name); });
  }
}

void UdpSender::look_up(const std::string& name) {
  const Command command{.argv = {"getent", "ahosts", name}, .output_cap = kLongestAnswer};
  process::Limits limits{.deadline = mono_now() + kLongestLookUp, .grace = milliseconds{500}};
  limits.stop = &stop_;
  const auto found = process::run(command, limits);
  const std::scoped_lock lock(mutex_);
  address_ = found ? udp_found(address_, found->out) : "";
  if (address_.empty() && !stop_)
    log(Level::warning,
        "no reports by UDP: " + (found ? "the node finds no address of '" + name + "'" : found.error().text()));
  for (const std::string& datagram : waiting_)
    if (!address_.empty()) send_udp(address_, datagram);
  waiting_.clear();
  looking_ = false;
  changed_.notify_all();
}

void UdpSender::send(std::string datagram) {
  const std::scoped_lock lock(mutex_);
  if (looking_)
    waiting_.push_back(std::move(datagram));
  else if (!address_.empty())
    send_udp(address_, datagram);
}

void UdpSender::finish() {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, seconds{1}, [this] { return !looking_; });
  }
  stop_ = true;
  thread_.join();
}

}  // namespace apf::wrapper
