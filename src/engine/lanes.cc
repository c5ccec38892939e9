#include "engine/lanes.h"

#include <array>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "engine/condition.h"
#include "engine/log.h"

namespace apf::engine {
namespace {

constexpr std::size_t kClasses = 4;
std::size_t index(LaneClass kind) { return static_cast<std::size_t>(kind); }

struct Waiting {
  Lanes::Job job;
  Duration limit;
};

struct Lane {
  std::string name;
  std::deque<Waiting> waiting;
  bool listed = false;  // in its crew's list of lanes with work
  bool running = false;
  Mono expected_end{};  // of the running job; ns 0: none
};

// The workers of one class, and the lanes that have something for them to do.
struct Crew {
  int most = 0, threads = 0, idle = 0, busy = 0;
  std::deque<Lane*> ready;
  Condition work;
};

}  // namespace

struct Lanes::Shared {
  mutable std::mutex mutex;
  Condition ended;  // a job or a worker has ended
  std::array<Crew, kClasses> crews;
  std::map<std::string, std::pair<LaneClass, Lane>, std::less<>> lanes;
  bool closed = false;

  void offer(Crew& crew, Lane& lane);
  static void work(const std::shared_ptr<Shared>& self, Crew& crew);
  void run_one(std::unique_lock<std::mutex>& lock, Crew& crew);
};

// Puts a lane with work on the list, unless it is there or busy. The caller holds the mutex.
void Lanes::Shared::offer(Crew& crew, Lane& lane) {
  if (lane.listed || lane.running || lane.waiting.empty()) return;
  lane.listed = true;
  crew.ready.push_back(&lane);
  crew.work.notify_one();
}

void Lanes::Shared::run_one(std::unique_lock<std::mutex>& lock, Crew& crew) {
  Lane& lane = *crew.ready.front();
  crew.ready.pop_front();
  lane.listed = false;
  if (lane.waiting.empty()) return;  // dropped meanwhile
  Waiting next = std::move(lane.waiting.front());
  lane.waiting.pop_front();
  lane.running = true;
  lane.expected_end = next.limit > Duration::zero() ? mono_now() + next.limit : Mono{};
  ++crew.busy;
  lock.unlock();
  next.job();
  next.job = nullptr;  // what it holds is let go outside the mutex
  lock.lock();
  --crew.busy;
  lane.running = false;
  offer(crew, lane);
  ended.notify_all();
}

void Lanes::Shared::work(const std::shared_ptr<Shared>& self, Crew& crew) {
  std::unique_lock lock(self->mutex);
  while (true) {
    ++crew.idle;
    crew.work.wait(lock, [&] { return !crew.ready.empty() || self->closed; });
    --crew.idle;
    if (crew.ready.empty()) break;  // closed, and nothing left to do
    self->run_one(lock, crew);
  }
  --crew.threads;
  self->ended.notify_all();
}

Lanes::Lanes(LaneLimits limits) : shared_(std::make_shared<Shared>()) {
  shared_->crews[index(LaneClass::poll)].most = limits.poll;
  shared_->crews[index(LaneClass::act)].most = limits.act;
  shared_->crews[index(LaneClass::tell)].most = limits.tell;
  shared_->crews[index(LaneClass::feed)].most = limits.feed;
}

Lanes::~Lanes() { finish(Duration::zero()); }

bool Lanes::run(LaneClass kind, const std::string& name, Job job, Duration limit) {
  const std::scoped_lock lock(shared_->mutex);
  if (shared_->closed) return false;
  Crew& crew = shared_->crews[index(kind)];
  auto& [of, lane] = shared_->lanes[name];
  of = kind;
  lane.name = name;
  lane.waiting.push_back({std::move(job), limit});
  shared_->offer(crew, lane);
  if (static_cast<int>(crew.ready.size()) > crew.idle && crew.threads < crew.most) {
    try {
      std::thread(&Shared::work, shared_, std::ref(crew)).detach();  // finish() waits for it by count
      ++crew.threads;
    } catch (const std::system_error& e) {
      log(Level::warning, "lanes", std::string("no new worker, the job waits for one that we have: ") + e.what());
    }
  }
  return true;
}

std::size_t Lanes::load(const std::string& name) const {
  const std::scoped_lock lock(shared_->mutex);
  const auto at = shared_->lanes.find(name);
  if (at == shared_->lanes.end()) return 0;
  const Lane& lane = at->second.second;
  return lane.waiting.size() + (lane.running ? 1U : 0U);
}

std::vector<std::pair<std::string, std::int64_t>> Lanes::loads() const {
  const std::scoped_lock lock(shared_->mutex);
  std::vector<std::pair<std::string, std::int64_t>> all;
  for (const auto& [name, entry] : shared_->lanes)
    all.emplace_back(name, static_cast<std::int64_t>(entry.second.waiting.size()) + (entry.second.running ? 1 : 0));
  return all;
}

std::vector<std::string> Lanes::overdue(Mono now) const {
  const std::scoped_lock lock(shared_->mutex);
  std::vector<std::string> names;
  for (const auto& [name, entry] : shared_->lanes) {
    const Lane& lane = entry.second;
    if (lane.running && lane.expected_end.ns != 0 && lane.expected_end < now) names.push_back(name);
  }
  return names;
}

int Lanes::threads() const {
  const std::scoped_lock lock(shared_->mutex);
  int sum = 0;
  for (const auto& crew : shared_->crews) sum += crew.threads;
  return sum;
}

void Lanes::close() {
  const std::scoped_lock lock(shared_->mutex);
  shared_->closed = true;
  for (auto& crew : shared_->crews) crew.work.notify_all();
}

void Lanes::drop_waiting(LaneClass kind) {
  std::vector<std::deque<Waiting>> dropped;  // destroyed after the mutex is free
  const std::scoped_lock lock(shared_->mutex);
  for (auto& [name, entry] : shared_->lanes)
    if (entry.first == kind) dropped.push_back(std::exchange(entry.second.waiting, {}));
}

bool Lanes::quiet(LaneClass kind, Duration patience) {
  std::unique_lock lock(shared_->mutex);
  const Crew& crew = shared_->crews[index(kind)];
  return shared_->ended.wait_for(lock, patience, [&] { return crew.busy == 0 && crew.ready.empty(); });
}

bool Lanes::finish(Duration patience) {
  close();
  std::unique_lock lock(shared_->mutex);
  return shared_->ended.wait_for(lock, patience, [&] {
    for (const auto& crew : shared_->crews)
      if (crew.threads > 0) return false;
    return true;
  });
}

}  // namespace apf::engine
