#include "monitor/logs/log_pool.h"

#include <algorithm>
#include <utility>

namespace apf::monitor {

LogPool::LogPool(Limits limits) : limits_(limits) {
  for (int i = 0; i < limits_.threads; ++i) threads_.emplace_back([this] { loop(); });
}

bool LogPool::run(const std::string& origin, Work work) {
  {
    const std::lock_guard guard(mutex_);
    const auto same = std::count_if(queue_.begin(), queue_.end(), [&](const Job& j) { return j.origin == origin; });
    if (stopping_ || queue_.size() >= limits_.waiting || static_cast<std::size_t>(same) >= limits_.waiting_of_origin)
      return false;
    queue_.push_back({origin, std::move(work)});
  }
  wake_.notify_all();
  return true;
}

// The first whose server has a thread left.
bool LogPool::next(Job& job) {
  const auto may = [&](const Job& j) {
    const auto it = running_.find(j.origin);
    return it == running_.end() || it->second < limits_.of_origin;
  };
  const auto it = std::find_if(queue_.begin(), queue_.end(), may);
  if (it == queue_.end()) return false;
  job = std::move(*it);
  queue_.erase(it);
  ++running_[job.origin];
  return true;
}

void LogPool::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    Job job;
    wake_.wait(lock, [&] { return stopping_ || next(job); });
    if (!job.work) return;
    lock.unlock();
    job.work(stopping_);
    job.work = nullptr;  // what it holds goes without the lock
    lock.lock();
    if (--running_[job.origin] == 0) running_.erase(job.origin);
    wake_.notify_all();
  }
}

void LogPool::stop() {
  std::deque<Job> dropped;
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
  for (std::thread& t : threads_)
    if (t.joinable()) t.join();
}

}  // namespace apf::monitor
