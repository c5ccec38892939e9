#include "engine/scheduler.h"

#include <algorithm>
#include <utility>

namespace apf::engine {
namespace {

// What may start only after the pass's commit (R15).
bool waits_for_commit(const core::Effect& effect) {
  return std::holds_alternative<core::SubmitPilots>(effect) || std::holds_alternative<core::RemovePilots>(effect);
}

Status stopping() { return fail(Kind::transient, "engine.stopping", "the factory is stopping"); }

}  // namespace

Scheduler::Scheduler(Ports ports) : ports_(std::move(ports)) {}
Scheduler::~Scheduler() { stop(); }

void Scheduler::start(core::Event first) {
  inbox_.push_back({std::move(first), After::pass, {}, {}});
  thread_ = std::thread([this] { loop(); });
}

void Scheduler::post(core::Event event, After after, std::function<void(Status)> done) {
  put({std::move(event), after, std::move(done), {}});
}
void Scheduler::inspect(std::function<void()> work) { put({{}, After::nothing, {}, std::move(work)}); }

void Scheduler::put(Item item) {
  {
    const std::scoped_lock lock(mutex_);
    if (!ended_) {
      inbox_.push_back(std::move(item));
      changed_.notify_one();
      return;
    }
  }
  if (item.done) item.done(stopping());
}

void Scheduler::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

bool Scheduler::pass_due(Mono now) const {
  const auto at = next_time();
  return at && *at <= now;
}

// When the next pass is: events wait for the end of the window, a wake for its time but not within the window either.
std::optional<Mono> Scheduler::next_time() const {
  std::optional<Mono> at = wake_;
  const Mono open = last_pass_ ? *last_pass_ + ports_.window : Mono{};
  if (pass_wanted_) at = open;
  if (at) at = std::max(*at, open);
  return at;
}

// Waits for an item or the time of a pass. False when there is nothing left to do.
bool Scheduler::wait(std::unique_lock<std::mutex>& lock) {
  const auto ready = [&] { return !inbox_.empty() || stopping_; };
  if (const auto at = next_time()) {
    // never long: CLOCK_MONOTONIC stands still while the host sleeps, and Mono does not
    changed_.wait_for(lock, std::clamp<Duration>(*at - ports_.mono(), Duration::zero(), seconds{10}), ready);
  } else {
    changed_.wait(lock, ready);
  }
  return !inbox_.empty() || !stopping_;
}

void Scheduler::loop() {
  std::unique_lock lock(mutex_);
  while (wait(lock)) {
    std::vector<Item> items = std::exchange(inbox_, {});
    lock.unlock();
    for (auto& item : items) handle(item);
    items.clear();
    if (const Mono now = ports_.mono(); pass_due(now)) pass(now);
    lock.lock();
  }
  ended_ = true;
  lock.unlock();
  if (pass_wanted_) pass(ports_.mono());
  const Status never = stopping();
  for (auto* list : {&in_commit_, &waiting_})
    for (const auto& done : *list) done(never);
}

void Scheduler::handle(Item& item) {
  if (item.work) item.work();
  if (!item.event) return;
  dispatch(ports_.on(*item.event, ports_.mono(), ports_.wall()));
  if (const auto* done = std::get_if<core::CommitDone>(&*item.event)) committed(*done);
  if (item.done) waiting_.push_back(std::move(item.done));
  if (item.after == After::pass) pass_wanted_ = true;
}

void Scheduler::committed(const core::CommitDone& done) {
  committing_ = false;
  for (const auto& tell : std::exchange(in_commit_, {})) tell(done.error ? Status(fail(*done.error)) : Status());
  pass_wanted_ = true;  // decisions and rows may have waited for it
}

// After a pass that left nothing to commit, and with nothing under way, what was asked for stands.
void Scheduler::answer_waiting() {
  if (committing_) return;
  for (const auto& tell : std::exchange(waiting_, {})) tell({});
}

void Scheduler::pass(Mono now) {
  pass_wanted_ = false;
  last_pass_ = now;
  wake_.reset();  // a pass names its next wake anew
  dispatch(ports_.on(core::Pass{}, now, ports_.wall()));
  if (ports_.published) ports_.published();
  answer_waiting();  // whoever asked sees what it asked for
}

void Scheduler::dispatch(std::vector<core::Effect> effects) {
  PassRecord record;
  std::vector<core::Effect> held;
  for (auto& effect : effects) {
    if (auto* commit = std::get_if<core::Commit>(&effect))
      record.batch = commit->batch;
    else if (auto* journal = std::get_if<core::Journal>(&effect))
      record.decisions.push_back(std::move(journal->decision));
    else if (const auto* wake = std::get_if<core::Wake>(&effect))
      wake_ = wake_ ? std::min(*wake_, wake->at) : wake->at;
    else if (waits_for_commit(effect))
      held.push_back(std::move(effect));
    else
      ports_.perform(std::move(effect));
  }
  if (record.batch) {
    committing_ = true;
    in_commit_ = std::exchange(waiting_, {});
  }
  if (!record.batch && record.decisions.empty() && held.empty()) return;
  if (!held.empty())
    record.release = [perform = ports_.perform, effects = std::move(held)] {
      for (const auto& effect : effects) perform(effect);
    };
  ports_.write(std::move(record));
}

}  // namespace apf::engine
