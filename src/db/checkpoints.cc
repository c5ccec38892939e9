#include "db/checkpoints.h"

#include <utility>

namespace apf::db {

Checkpoints::Checkpoints(store::Database& writer, store::Database beside, const Limits& limits)
    : limits_(limits), writer_(writer), beside_(std::move(beside)) {
  writer_.own_checkpoints([this](int pages) {
    const std::lock_guard guard(mutex_);
    pages_ = pages;
  });
  thread_ = std::thread([this] { work(); });
}

void Checkpoints::after_commit() {
  std::unique_lock lock(mutex_);
  if (pages_ < limits_.begin) return;
  if (!wanted_ && !nearly_) {
    wanted_ = true;
    wake_.notify_all();
  }
  if (pages_ >= limits_.most) wake_.wait(lock, [this] { return !wanted_; });
  if (!std::exchange(nearly_, false)) return;
  lock.unlock();
  std::ignore = writer_.checkpoint();  // what fails here (no space) is tried again, and the next commit says so itself
}

void Checkpoints::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return wanted_ || stopping_; });
    if (stopping_) return;
    lock.unlock();
    const auto copied = beside_.checkpoint();
    lock.lock();
    const bool again = copied && pages_ - *copied > limits_.rest && pages_ < limits_.most;
    if (again) continue;
    wanted_ = false;
    nearly_ = copied.has_value();
    wake_.notify_all();
  }
}

Checkpoints::~Checkpoints() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  writer_.own_checkpoints([](int) {});
}

}  // namespace apf::db
