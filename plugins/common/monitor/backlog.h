// What a monitor plug-in has yet to send while its server is slow or away: bounded, the oldest go first, and what is
// told of a thing that waits already replaces or completes what was told of it before.
//
// Thread-safety: plain values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>

#include "apf/time.h"

namespace apf::monitoring {

template <class Key, class News>
class Backlog {
 public:
  explicit Backlog(std::size_t most) : most_(most) {}

  // What is known of `key` and has not been sent; new news are at the end.
  News& of(const Key& key) {
    auto [at, fresh] = news_.try_emplace(key);
    if (!fresh) return at->second;
    order_.push_back(key);
    if (order_.size() > most_) {
      news_.erase(order_.front());
      order_.pop_front();
      ++dropped_;
    }
    return news_.at(key);
  }
  [[nodiscard]] bool empty() const { return order_.empty(); }
  [[nodiscard]] std::size_t size() const { return order_.size(); }
  // The oldest; there is one.
  News& front() { return news_.at(order_.front()); }
  // The oldest but n.
  News& at(std::size_t n) { return news_.at(order_.at(n)); }
  void pop() {
    news_.erase(order_.front());
    order_.pop_front();
  }
  // The oldest becomes the newest.
  void put_off() {
    order_.push_back(order_.front());
    order_.pop_front();
  }
  // How many were dropped since this was asked last.
  std::int64_t take_dropped() { return std::exchange(dropped_, 0); }

 private:
  std::size_t most_;
  std::unordered_map<Key, News> news_;
  std::deque<Key> order_;
  std::int64_t dropped_ = 0;
};

// Between tries of a server that fails: 5 s, twice as long each time, at most 10 min.
class Pause {
 public:
  [[nodiscard]] bool over(Mono now) const { return now >= until_; }
  // True: the first failure after a success, worth a word.
  bool failed(Mono now) {
    until_ = now + std::min<Duration>(seconds{600}, seconds{std::int64_t{5} << std::min(failures_, 10)});
    return failures_++ == 0;
  }
  // True: the first success after failures.
  bool succeeded() { return std::exchange(failures_, 0) != 0; }
  void end() { until_ = Mono{}; }

 private:
  Mono until_;
  int failures_ = 0;
};

}  // namespace apf::monitoring
