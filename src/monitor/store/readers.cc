#include "monitor/store/readers.h"

#include <utility>

#include "monitor/store/schema.h"

namespace apf::monitor {
namespace {

constexpr std::size_t kMostWaiting = 2000;

}  // namespace

Result<std::unique_ptr<Readers>> Readers::start(const db::Place& place, int threads) {
  std::unique_ptr<Readers> readers(new Readers());
  for (int i = 0; i < threads; ++i) {
    auto db = db::open(place, migrations(), db::Use::read);
    if (!db) return fail(std::move(db.error()));
    readers->connections_.push_back(std::move(*db));
  }
  for (const auto& db : readers->connections_)
    readers->threads_.emplace_back([r = readers.get(), db = db.get()] { r->loop(*db); });
  return readers;
}

bool Readers::run(Work work) {
  {
    const std::lock_guard guard(mutex_);
    if (stopping_ || queue_.size() >= kMostWaiting) return false;
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

void Readers::loop(db::Db& db) {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Work work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work(db);
    lock.lock();
  }
}

void Readers::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& t : threads_)
    if (t.joinable()) t.join();
}

Readers::~Readers() { stop(); }

}  // namespace apf::monitor
