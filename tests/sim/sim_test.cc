// The rules that matter, in a simulated world around the real core.
#include <gtest/gtest.h>

#include "sim/world.h"

namespace apf::sim {
namespace {

// Every pilot that the batch system has is known to the factory, and counted once.
void expect_known(World& w) {
  std::int64_t counted = 0;
  for (const auto& q : w.state().queues) counted += q.counts.pending() + q.counts.running();
  EXPECT_EQ(counted, static_cast<std::int64_t>(w.state().batches[0].by_id.size()));
  for (const auto& [id, p] : w.pilots()) EXPECT_TRUE(w.state().batches[0].by_id.contains(id)) << id;
}

void expect_none_doubled(const World& w) {
  for (const auto& [id, n] : w.copies()) EXPECT_EQ(n, 1) << id;
}

TEST(Sim, WorkIsServedOnceAndNoMore) {
  World w(one_queue());
  w.add_jobs("Q", 80);
  w.run_for(seconds{3600});
  EXPECT_EQ(w.done_jobs(), 80);
  EXPECT_EQ(w.waiting("Q"), 0);
  EXPECT_LE(w.submitted(), 80) << "no job is served by two pilots";
  EXPECT_EQ(w.empty_pilots(), 0);
  expect_known(w);
  expect_none_doubled(w);
}

TEST(Sim, ADayOfAHundredQueues) {
  Scenario s;
  for (int i = 0; i < 100; ++i) s.queues.push_back({"Q" + std::to_string(i), usual_chain(), "", 1, Retire::none});
  s.site.slots = 20;
  s.site.fail_rate = 0.02;
  s.site.job_time = seconds{1800};
  s.wms.interval = seconds{60};
  s.batch_interval = seconds{60};
  World w(s);
  for (int hour = 0; hour < 24; ++hour) {
    for (int i = hour % 3; i < 100; i += 3) w.add_jobs("Q" + std::to_string(i), 20);
    w.run_for(seconds{3600});
  }
  w.run_for(seconds{4 * 3600});
  std::int64_t left = 0;
  for (int i = 0; i < 100; ++i) left += w.waiting("Q" + std::to_string(i));
  EXPECT_EQ(left, 0);
  EXPECT_GT(w.done_jobs(), 15'000);
  EXPECT_LE(w.empty_pilots(), w.done_jobs() / 50) << "few pilots find no job";
  EXPECT_EQ(w.removed(), 0);
  expect_known(w);
  expect_none_doubled(w);
}

// R2: tables that lag by a minute, pilots that start at once.
TEST(Sim, LaggingTablesDoNotServeAJobTwice) {
  Scenario s = one_queue();
  s.site.start_latency = milliseconds{100};
  s.batch_interval = seconds{2};
  s.wms.interval = seconds{5};
  World w(s);
  w.add_jobs("Q", 30);
  w.run_for(seconds{900});
  EXPECT_EQ(w.done_jobs(), 30);
  EXPECT_EQ(w.submitted(), 30);
}

// R10: two queues on one WMS queue never submit more than its ready together.
TEST(Sim, QueuesThatShareDemandSubmitItOnce) {
  Scenario s;
  s.queues = {{"A", usual_chain(), "W", 3, Retire::none}, {"B", usual_chain(), "W", 1, Retire::none}};
  for (auto& q : s.queues) q.trial = 100;
  World w(s);
  w.add_jobs("W", 40);
  w.run_for(seconds{600});
  EXPECT_EQ(w.submitted(), 40);
  w.run_for(seconds{1200});
  EXPECT_EQ(w.done_jobs(), 40);
  std::map<std::string, std::int64_t> by_queue;
  for (const auto& d : w.decisions()) by_queue[d.queue] += std::max<std::int64_t>(0, d.n);
  EXPECT_EQ(by_queue["A"], 30) << "dealt by weight";
  EXPECT_EQ(by_queue["B"], 10);
}

TEST(Sim, WhatOneQueueCantTakeIsOfferedToTheOther) {
  Scenario s;
  s.queues = {{"A", usual_chain(5), "W", 1, Retire::none}, {"B", usual_chain(), "W", 1, Retire::none}};
  for (auto& q : s.queues) q.trial = 100;
  s.site.start_latency = seconds{300};
  World w(s);
  w.add_jobs("W", 40);
  w.run_for(seconds{150});
  EXPECT_EQ(w.live("A"), 5);
  EXPECT_EQ(w.live("B"), 35);
}

// Every boundary between effects is a kill point: afterwards every pilot is known, none was submitted twice, and the
// demand is served.
TEST(Sim, EveryKillPointOfTheSubmitPath) {
  Scenario s = one_queue();
  s.site.start_latency = seconds{20};
  s.site.job_time = seconds{120};
  s.settle_wait = seconds{60};
  std::uint64_t boundaries = 0;
  {
    World w(s);
    w.add_jobs("Q", 10);
    w.run_for(seconds{120});
    boundaries = w.boundary;
  }
  ASSERT_GT(boundaries, 15U);
  for (std::uint64_t kill = 1; kill <= boundaries; ++kill) {
    SCOPED_TRACE("killed at boundary " + std::to_string(kill));
    World w(s);
    w.kill_at = kill;
    w.add_jobs("Q", 10);
    w.run_for(seconds{120});
    ASSERT_TRUE(w.killed);
    w.run_for(seconds{3});
    w.crash();
    w.run_for(seconds{300});
    expect_known(w);
    expect_none_doubled(w);
    EXPECT_EQ(w.waiting("Q"), 0);
    EXPECT_LE(w.submitted(), 10);
    w.run_for(seconds{300});
    EXPECT_EQ(w.done_jobs(), 10);
    for (const auto& q : w.state().queues) EXPECT_EQ(q.open, -1) << "settled";
  }
}

TEST(Sim, ALostAnswerIsSettledAndNeverSubmittedAgain) {
  Scenario s = one_queue();
  s.site.start_latency = seconds{30};
  World w(s);
  int lost = 0;
  w.lose_answer = [&](const core::SubmitPilots&) { return ++lost == 1; };
  w.add_jobs("Q", 10);
  w.run_for(seconds{600});
  EXPECT_EQ(w.submitted(), 10);
  expect_known(w);
}

TEST(Sim, AFullDiskHoldsSubmissionsAndEndsByItself) {
  World w(one_queue());
  w.run_for(seconds{60});
  w.refuse_commits = true;
  w.add_jobs("Q", 10);
  w.run_for(seconds{300});
  EXPECT_EQ(w.submitted(), 0);
  EXPECT_FALSE(w.state().ledger_trouble.empty());
  ASSERT_FALSE(w.decisions().empty());
  EXPECT_EQ(w.decisions().back().held_code, "ledger.failing");
  w.refuse_commits = false;
  w.run_for(seconds{120});
  EXPECT_EQ(w.submitted(), 10);
  expect_known(w);
}

TEST(Sim, AnHourOfWallClockEitherWayChangesNothing) {
  for (const auto step : {seconds{3600}, seconds{-3600}}) {
    World w(one_queue());
    w.add_jobs("Q", 40);
    w.run_for(seconds{300});
    w.clock_step = step;
    w.run_for(seconds{1800});
    EXPECT_EQ(w.done_jobs(), 40);
    EXPECT_EQ(w.submitted(), 40);
    expect_known(w);
  }
}

TEST(Sim, PauseHoldsAndSurvivesACrash) {
  World w(one_queue());
  core::Verb pause;
  pause.hold = {"pause", "queue:Q", "alice", "downtime", w.wall(), {}};
  w.post(pause);
  w.run_for(seconds{10});
  w.add_jobs("Q", 5);
  w.run_for(seconds{200});
  EXPECT_EQ(w.submitted(), 0);
  w.crash();
  w.run_for(seconds{200});
  EXPECT_EQ(w.submitted(), 0);
  EXPECT_EQ(w.decisions().back().held_code, "operator.pause");
  pause.lift = true;
  w.post(pause);
  w.run_for(seconds{200});
  EXPECT_EQ(w.submitted(), 5);
}

TEST(Sim, DrainRemovesPendingPilotsOnly) {
  Scenario s = one_queue();
  s.site.slots = 5;
  World w(s);
  w.add_jobs("Q", 30);
  w.run_for(seconds{200});
  ASSERT_EQ(w.live() - w.pending(), 5);
  ASSERT_GT(w.pending(), 0);
  core::Verb drain;
  drain.hold = {"drain", "all", "bob", "", w.wall(), {}};
  w.post(drain);
  w.run_for(seconds{60});
  EXPECT_EQ(w.pending(), 0);
  EXPECT_EQ(w.live(), 5) << "those that run go on";
  expect_known(w);
}

// R5: a view that was trusted once, but is older than max_age, is no ground for removing anything.
TEST(Sim, DrainRemovesNothingOnAnOldView) {
  Scenario s = one_queue();
  s.site.slots = 5;
  World w(s);
  w.add_jobs("Q", 30);
  w.run_for(seconds{400});
  ASSERT_GT(w.pending(), 0);
  w.view_delay = seconds{1200};
  w.run_for(seconds{500});
  core::Verb drain;
  drain.hold = {"drain", "all", "bob", "", w.wall(), {}};
  w.post(drain);
  w.run_for(seconds{600});
  EXPECT_EQ(w.removed(), 0);
  w.view_delay = {};
  w.run_for(seconds{300});
  EXPECT_EQ(w.pending(), 0) << "with the next view";
  EXPECT_GT(w.removed(), 0);
}

// R7: pilots that are too many go after three cycles that say so, and only where the queue allows it.
TEST(Sim, SurplusPendingPilotsAreRetiredOnlyWhereAllowed) {
  for (const auto policy : {Retire::none, Retire::pending}) {
    Scenario s = one_queue();
    s.site.slots = 10;
    s.queues[0].trial = 100;
    World w(s);
    w.add_jobs("Q", 40);
    w.run_for(seconds{150});
    ASSERT_EQ(w.live(), 40);
    s.queues[0].chain = {{"ready", {}}, {"maxtorun", {{"maximum", "15"}}}};
    s.queues[0].retire = policy;
    w.reconfigure(s);
    w.run_for(seconds{60});
    EXPECT_EQ(w.removed(), 0) << "not before the third cycle";
    w.run_for(seconds{300});
    EXPECT_EQ(w.removed(), policy == Retire::none ? 0 : 25);
    EXPECT_EQ(w.live() - w.pending(), 10) << "those that run go on";
    expect_known(w);
  }
}

// A queue that vanishes from the configuration keeps its pilots to their end; its new name takes them over.
TEST(Sim, ARenamedQueueTakesItsPilotsOver) {
  Scenario s = one_queue();
  World w(s);
  w.add_jobs("Q", 10);
  w.run_for(seconds{150});
  ASSERT_EQ(w.live(), 10);
  s.queues[0].name = "New";
  s.queues[0].wms_queue = "Q";
  s.queues[0].renamed_from = "Q";
  w.reconfigure(s);
  w.run_for(seconds{60});
  EXPECT_EQ(w.submitted(), 10);
  EXPECT_EQ(w.state().queues[w.state().queue_by_name.at("New")].counts.running(), 10);
  expect_known(w);
}

TEST(Sim, PilotsOfAQueueThatIsGoneAreTrackedToTheirEnd) {
  Scenario s = one_queue();
  World w(s);
  w.add_jobs("Q", 10);
  w.run_for(seconds{150});
  s.queues[0].name = "Other";
  w.reconfigure(s);
  w.run_for(seconds{60});
  expect_known(w);
  EXPECT_EQ(w.live("Q"), 10);
  w.run_for(seconds{1200});
  EXPECT_EQ(w.done_jobs(), 10);
  EXPECT_EQ(w.state().batches[0].by_id.size(), 0U);
}

// R9: a state directory that was lost: everything alive is adopted before the first submission.
TEST(Sim, AnEmptyLedgerAdoptsWhatLives) {
  World w(one_queue());
  w.add_jobs("Q", 20);
  w.run_for(seconds{150});
  ASSERT_EQ(w.live(), 20);
  w.lose_ledger();
  w.add_jobs("Q", 5);
  w.run_for(seconds{300});
  EXPECT_EQ(w.submitted(), 25);
  expect_known(w);
}

// R9: live pilots of a newer run: the state directory was restored from a backup.
TEST(Sim, ARestoredLedgerSubmitsNothingUntilAdopted) {
  World w(one_queue());
  w.run_for(seconds{60});
  w.crash();
  w.run_for(seconds{60});
  const auto old = w.backup();
  w.crash();
  w.crash();
  w.add_jobs("Q", 10);
  w.run_for(seconds{150});
  ASSERT_EQ(w.live(), 10);
  w.restore(old);
  w.add_jobs("Q", 7);
  w.run_for(seconds{200});
  EXPECT_EQ(w.submitted(), 10);
  EXPECT_EQ(w.decisions().back().held_code, "identity.foreign");
  w.post(core::Adopt{"alice"});
  w.run_for(seconds{200});
  EXPECT_EQ(w.submitted(), 17);
  expect_known(w);
}

// R6: ready jumps from 20 to a million in one view. All queues of that WMS queue walk together until a second view
// agrees, however long that takes.
TEST(Sim, AJumpOfReadyIsUsedAtAWalkUntilConfirmed) {
  for (const int queues : {1, 2, 3}) {
    SCOPED_TRACE(queues);
    Scenario s;
    for (int i = 0; i < queues; ++i) s.queues.push_back({"Q" + std::to_string(i), {{"ready", {}}}, "W"});
    for (auto& q : s.queues) q.trial = 5'000;
    s.wms.refresh = seconds{0};
    World w(s);
    w.add_jobs("W", 20);
    w.run_for(seconds{100});
    ASSERT_EQ(w.submitted(), 20);
    w.add_jobs("W", 2'000);
    int views = 0;
    w.demand_fault = [&views](Result<View<DemandData>>& view) {
      ++views;
      if (views > 1 && views < 6) view = fail(Kind::transient, "sim.down", "no answer");
    };
    w.run_for(seconds{60});
    ASSERT_GT(views, 1);
    EXPECT_EQ(w.submitted() - 20, 100);
    w.run_for(seconds{240});
    ASSERT_GT(views, 6) << "a second view agreed";
    EXPECT_EQ(w.submitted(), 2020);
  }
}

}  // namespace
}  // namespace apf::sim
