#include "monitor/alarms/courier.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace apf::monitor {

Courier::Courier(std::unique_ptr<Channel> channel, Limits limits, std::function<void(const std::string&)> log)
    : channel_(std::move(channel)), limits_(limits), log_(std::move(log)), thread_([this] { run(); }) {}

std::vector<Notice> Courier::leave() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  const std::scoped_lock lock(mutex_);
  const std::deque<Notice> left = std::exchange(waiting_, {});
  return {left.begin(), left.end()};
}

void Courier::add(const Notice& notice) {
  if (!notice.raised) {
    const auto same = [&](const Notice& n) {
      return n.raised && n.alarm.found.code == notice.alarm.found.code &&
             n.alarm.found.subject() == notice.alarm.found.subject();
    };
    if (const auto it = std::find_if(waiting_.begin(), waiting_.end(), same); it != waiting_.end()) {
      waiting_.erase(it);
      return;
    }
  }
  waiting_.push_back(notice);
  if (waiting_.size() <= limits_.most) return;
  waiting_.pop_front();
  ++untold_;
  ++stats_.lost;
}

void Courier::tell(std::span<const Notice> notices) {
  if (notices.empty()) return;
  {
    const std::scoped_lock lock(mutex_);
    for (const Notice& n : notices) add(n);
  }
  changed_.notify_all();
}

Courier::Stats Courier::stats() const {
  const std::scoped_lock lock(mutex_);
  Stats s = stats_;
  s.waiting = static_cast<std::int64_t>(waiting_.size());
  return s;
}

bool Courier::wait(std::unique_lock<std::mutex>& lock, Mono until) {
  while (!stopping_) {
    const Duration left = until - mono_now();
    if (left <= Duration{}) return true;
    changed_.wait_for(lock, left);
  }
  return false;
}

void Courier::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (!wait(lock, mono_now() + limits_.gather)) return;
    if (waiting_.empty()) continue;
    deliver(lock);
    if (!wait(lock, mono_now() + (pause_ > Duration{} ? pause_ : limits_.interval))) return;
  }
}

void Courier::deliver(std::unique_lock<std::mutex>& lock) {
  std::vector<Notice> batch(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  const std::int64_t lost = std::exchange(untold_, 0);
  lock.unlock();
  const Status sent = channel_->send(batch, lost, mono_now() + limits_.patience, &stopping_);
  lock.lock();
  const bool worked_before = stats_.trouble.empty();
  if (sent) {
    ++stats_.messages;
    stats_.trouble.clear();
    pause_ = {};
    if (!worked_before) log_(fmt::format("{}: notices of alarms go out again", channel_->name()));
    return;
  }
  ++stats_.failures;
  stats_.trouble = sent.error().text();
  pause_ = std::clamp(2 * pause_, limits_.pause, limits_.longest_pause);
  untold_ += lost;
  // Back to where they were; what came meanwhile follows, and may end some of them.
  std::deque<Notice> later = std::exchange(waiting_, {});
  for (const Notice& n : batch) add(n);
  for (const Notice& n : later) add(n);
  if (worked_before && !stopping_)
    log_(fmt::format("{}: {} notices of alarms wait: {}", channel_->name(), waiting_.size(), stats_.trouble));
}

}  // namespace apf::monitor
