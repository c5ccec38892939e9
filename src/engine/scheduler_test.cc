#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <deque>
#include <future>

namespace apf::engine {
namespace {

// A world of fakes: the core answers by a script, time stands still until it is told.
class World {
 public:
  Scheduler::Ports ports() {
    Scheduler::Ports p;
    p.on = [this](const core::Event& e, Mono, Wall) { return on(e); };
    p.write = [this](PassRecord r) {
      const std::scoped_lock lock(mutex);
      written.push_back(std::move(r));
      changed.notify_all();
    };
    p.perform = [this](const core::Effect& e) {
      const std::scoped_lock lock(mutex);
      performed.push_back(e);
      changed.notify_all();
    };
    p.mono = [this] {
      const std::scoped_lock lock(mutex);
      return now;
    };
    return p;
  }

  std::vector<core::Effect> on(const core::Event& e) {
    const std::scoped_lock lock(mutex);
    if (!std::holds_alternative<core::Pass>(e)) {
      ++events;
      changed.notify_all();
      return {};
    }
    ++passes;
    changed.notify_all();
    if (script.empty()) return {};
    auto effects = std::move(script.front());
    script.pop_front();
    return effects;
  }
  template <class Condition>
  void until(Condition c) {
    std::unique_lock lock(mutex);
    changed.wait(lock, c);
  }

  std::mutex mutex;
  std::condition_variable changed;
  Mono now{1'000'000'000'000};
  int events = 0, passes = 0;
  std::deque<std::vector<core::Effect>> script;  // effects of the next passes
  std::deque<PassRecord> written;
  std::vector<core::Effect> performed;
};

core::Commit commit_of(std::uint64_t pass) {
  auto b = std::make_shared<core::LedgerBatch>();
  b->pass = pass;
  return {b};
}

TEST(Scheduler, TheFirstEventIsDecidedAtOnce) {
  World world;
  Scheduler s(world.ports());
  s.start(core::Started{});
  world.until([&] { return world.passes == 1; });
  EXPECT_EQ(world.events, 1);
}

TEST(Scheduler, EventsOfAWindowAreDecidedTogether) {
  World world;
  Scheduler s(world.ports());
  s.start(core::Started{});
  world.until([&] { return world.passes == 1; });
  for (int i = 0; i < 20; ++i) s.post(core::Adopt{"me"});
  world.until([&] { return world.events == 21; });
  EXPECT_EQ(world.passes, 1);  // time stands still: the window has not ended
  {
    const std::scoped_lock lock(world.mutex);
    world.now = world.now + milliseconds{200};
  }
  s.post(core::HostSeen{}, Scheduler::After::nothing);
  world.until([&] { return world.passes == 2; });
}

TEST(Scheduler, AnEventThatAsksForNoPassGetsNone) {
  World world;
  Scheduler s(world.ports());
  s.start(core::Started{});
  world.until([&] { return world.passes == 1; });
  {
    const std::scoped_lock lock(world.mutex);
    world.now = world.now + seconds{5};
  }
  s.post(core::HostSeen{}, Scheduler::After::nothing);
  world.until([&] { return world.events == 2; });
  s.stop();
  EXPECT_EQ(world.passes, 1);
}

TEST(Scheduler, SubmissionsWaitForTheCommitAndPollsDoNot) {
  World world;
  world.script.push_back({commit_of(1), core::PollBatch{"pool", {}, ""}, core::SubmitPilots{"s1", nullptr, 3}});
  Scheduler s(world.ports());
  s.start(core::Started{});
  world.until([&] { return world.written.size() == 1; });
  {
    const std::scoped_lock lock(world.mutex);
    ASSERT_EQ(world.performed.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<core::PollBatch>(world.performed[0]));
    ASSERT_TRUE(world.written[0].batch);
  }
  world.written[0].release();
  const std::scoped_lock lock(world.mutex);
  ASSERT_EQ(world.performed.size(), 2U);
  EXPECT_EQ(std::get<core::SubmitPilots>(world.performed[1]).submission, "s1");
}

TEST(Scheduler, TellsTheCallerWhenItsEventIsCommitted) {
  World world;
  Scheduler s(world.ports());
  s.start(core::Started{});
  world.until([&] { return world.passes == 1; });
  {
    const std::scoped_lock lock(world.mutex);
    world.script.push_back({commit_of(2)});
    world.now = world.now + seconds{1};
  }
  std::promise<Status> told;
  s.post(core::Adopt{"me"}, Scheduler::After::pass, [&](Status st) { told.set_value(std::move(st)); });
  world.until([&] { return world.written.size() == 1; });
  auto answer = told.get_future();
  EXPECT_EQ(answer.wait_for(seconds{0}), std::future_status::timeout);
  s.post(core::CommitDone{2, Error{Kind::transient, "store.full", "disk full", {}, {}}});
  const Status st = answer.get();
  ASSERT_FALSE(st);
  EXPECT_EQ(st.error().code, "store.full");
}

TEST(Scheduler, NothingToCommitIsToldAtOnce) {
  World world;
  Scheduler s(world.ports());
  std::promise<bool> told;
  s.start(core::Started{});
  world.until([&] { return world.passes == 1; });
  s.post(core::Adopt{"me"}, Scheduler::After::pass, [&](const Status& st) { told.set_value(st.has_value()); });
  {
    const std::scoped_lock lock(world.mutex);
    world.now = world.now + seconds{1};
  }
  s.post(core::HostSeen{}, Scheduler::After::nothing);
  EXPECT_TRUE(told.get_future().get());
}

TEST(Scheduler, AWakeGivesAPassAtItsTime) {
  World world;
  world.script.push_back({core::Wake{world.now + milliseconds{300}}});
  auto ports = world.ports();
  ports.mono = mono_now;  // real time: the wait itself is what is tested
  world.now = mono_now();
  world.script[0] = {core::Wake{mono_now() + milliseconds{300}}};
  Scheduler s(std::move(ports));
  s.start(core::Started{});
  world.until([&] { return world.passes == 2; });
}

TEST(Scheduler, StopHandlesWhatWasPosted) {
  World world;
  Scheduler s(world.ports());
  s.start(core::Started{});
  for (int i = 0; i < 10; ++i) s.post(core::Adopt{"me"});
  s.stop();
  EXPECT_EQ(world.events, 11);
  EXPECT_GE(world.passes, 1);
}

TEST(Scheduler, WhoeverAsksAfterTheEndIsToldSo) {
  World world;
  Scheduler s(world.ports());
  s.start(core::Started{});
  s.stop();
  std::string told;
  s.post(core::Adopt{"me"}, Scheduler::After::pass, [&](const Status& st) { told = st.error().code; });
  EXPECT_EQ(told, "engine.stopping");
}

TEST(LedgerWriter, ReleasesAfterAGoodCommitOnly) {
  for (const bool good : {true, false}) {
    bool released = false;
    std::promise<core::CommitDone> reported;
    LedgerWriter writer({.commit = [&](const core::LedgerBatch&, Wall) -> Status {
                           EXPECT_FALSE(released);
                           if (good) return {};
                           return fail(Kind::transient, "store.full", "disk full");
                         },
                         .report = [&](const core::CommitDone& d) { reported.set_value(d); }},
                        nullptr);
    writer.write({commit_of(7).batch, {}, [&] { released = true; }});
    const auto done = reported.get_future().get();
    EXPECT_EQ(done.pass, 7U);
    EXPECT_EQ(done.error.has_value(), !good);
    EXPECT_EQ(released, good);
    EXPECT_TRUE(writer.finish(seconds{60}));
  }
}

TEST(LedgerWriter, WritesAllThatWaitsBeforeItEnds) {
  int commits = 0;
  std::promise<void> gate;
  LedgerWriter writer({.commit = [&](const core::LedgerBatch&, Wall) -> Status {
                         ++commits;
                         return {};
                       },
                       .report = [](const core::CommitDone&) {}},
                      nullptr);
  writer.run([&] { gate.get_future().wait(); });
  for (std::uint64_t i = 0; i < 50; ++i) writer.write({commit_of(i).batch, {}, {}});
  gate.set_value();
  EXPECT_TRUE(writer.finish(seconds{60}));
  EXPECT_EQ(commits, 50);
}

}  // namespace
}  // namespace apf::engine
