// What a PanDA server does to a factory: tables that lag by a minute or stand still, half or ten times the jobs.
#include <gtest/gtest.h>

#include "sim/world.h"
#include "support/core_rig.h"

namespace apf::sim {
namespace {

std::int64_t submitted_by(const World& w, const std::string& queue) {
  std::int64_t n = 0;
  for (const auto& d : w.decisions())
    if (d.queue == queue) n += std::max<std::int64_t>(0, d.n);
  return n;
}

void expect_none_doubled(const World& w) {
  for (const auto& [id, n] : w.copies()) EXPECT_EQ(n, 1) << id;
}

// Tables of a minute, pilots that start at once, and whether their wrappers report (PanDA's own pilot does not).
Scenario panda(bool reports) {
  Scenario s;
  s.queues = {{"A", usual_chain(), "W", 3}, {"B", usual_chain(), "W", 1}};
  for (auto& q : s.queues) q.trial = 1000;
  s.site.start_latency = milliseconds{100};
  s.site.reports = reports;
  s.batch_interval = seconds{2};
  s.wms.interval = seconds{5};
  return s;
}

class PandaSim : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Wrappers, PandaSim, testing::Bool(),
                         [](const auto& p) { return p.param ? "Report" : "AreSilent"; });

// R2 and R10 together: no job is served by two pilots' submissions, whichever of the queues submitted them, while work
// keeps coming in between two refreshes and the factory dies on the way.
TEST_P(PandaSim, TwoQueuesOnLaggingTablesServeEachJobOnce) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    Scenario s = panda(GetParam());
    s.seed = seed;
    World w(s);
    std::int64_t jobs = 0;
    for (int burst = 0; burst < 12; ++burst) {
      const int n = 5 + (burst * 7 + static_cast<int>(seed)) % 20;
      w.add_jobs("W", n);
      jobs += n;
      w.run_for(seconds{37 + burst});
      if (burst % 5 == 4) w.crash();
      ASSERT_LE(w.submitted(), jobs) << "after burst " << burst;
    }
    w.run_for(seconds{3600});
    EXPECT_EQ(w.done_jobs(), jobs);
    EXPECT_EQ(w.submitted(), jobs);
    EXPECT_EQ(submitted_by(w, "A") + submitted_by(w, "B"), jobs);
    expect_none_doubled(w);
  }
}

// R10: together never more than is ready, in no pass and for no weights.
TEST_P(PandaSim, SharingQueuesNeverSubmitMoreThanIsReadyTogether) {
  Scenario s = panda(GetParam());
  s.queues.push_back({"C", usual_chain(3), "W", 0.5});
  s.site.start_latency = seconds{400};
  World w(s);
  w.add_jobs("W", 33);
  w.run_for(seconds{300});
  EXPECT_EQ(w.submitted(), 33);
  EXPECT_EQ(w.live("A") + w.live("B") + w.live("C"), 33);
  w.add_jobs("W", 1);
  w.run_for(seconds{200});
  EXPECT_EQ(w.submitted(), 34);
}

// The server's job that refreshes its tables has died: 40 jobs are ready for ever. Without the plug-in's growing lag a
// new set of pilots follows as soon as the last one is believed to have taken jobs.
TEST(PandaSimTables, ThatStandStillCauseFewPilots) {
  const auto pilots = [](bool lag_grows) {
    World w(panda(false));
    w.add_jobs("W", 40);
    w.run_for(seconds{65});
    const std::int64_t asked = w.waiting("W") + w.running_jobs();
    EXPECT_EQ(asked, 40);
    Duration still{};
    w.demand_fault = [&still, lag_grows](Result<View<DemandData>>& view) {
      if (!view) return;
      view->data.cells = {Demand{"W", "", "", 0, 40, 0, 0, 0}};
      still += seconds{5};  // the interval of the polls
      if (lag_grows) view->data.lag = seconds{60} + std::min<Duration>(still, seconds{600});
    };
    w.run_for(seconds{1800});
    return w.submitted();
  };
  const std::int64_t with = pilots(true);
  EXPECT_LE(with, 40 * 4) << "40 for the jobs, and again each 12 minutes";
  EXPECT_LT(with * 2, pilots(false));
}

// R6: an answer with half the jobs adds no pilots and removes none, and the next one stands as if it had not been.
TEST(PandaSimTables, WithHalfTheJobsChangeNothing) {
  Scenario s = panda(true);
  s.site.start_latency = seconds{900};
  for (auto& q : s.queues) q.retire = Retire::pending;
  World w(s);
  w.add_jobs("W", 40);
  w.run_for(seconds{120});
  ASSERT_EQ(w.submitted(), 40);
  int halves = 2;  // fewer than the three cycles that a removal takes (R7)
  w.demand_fault = [&halves](Result<View<DemandData>>& view) {
    if (halves == 0 || !view) return;
    --halves;
    for (auto& d : view->data.cells) d.ready /= 2;
  };
  w.run_for(seconds{300});
  EXPECT_EQ(halves, 0);
  EXPECT_EQ(w.submitted(), 40);
  EXPECT_EQ(w.removed(), 0);
}

// R6: ten times the jobs in one answer are used at a walk until a second one agrees.
TEST(PandaSimTables, WithManyTimesTheJobsAreNotBelievedAtOnce) {
  World w(panda(true));
  w.add_jobs("W", 15);
  w.run_for(seconds{120});
  const std::int64_t before = w.submitted();
  int wrong = 1;
  w.demand_fault = [&wrong](Result<View<DemandData>>& view) {
    if (wrong == 0 || !view) return;
    --wrong;
    view->data.cells = {Demand{"W", "managed", "SCORE", 0, 100'000, 0, 0, 0}};
  };
  w.run_for(seconds{60});
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(w.submitted() - before, 200) << "100 a cycle for each queue";
}

// A server that does not tell labels apart holds the queues that select by them, and serves the others.
TEST(PandaForms, ThePlainOneServesQueuesThatTakeEverything) {
  core::Rig rig(3, [](core::Config& c) {
    auto by_label = std::make_shared<QueueSpec>(*c.queues[1]);
    by_label->job_labels = {"managed"};
    c.queues[1] = by_label;
    auto by_type = std::make_shared<QueueSpec>(*c.queues[2]);
    by_type->resource_types = {"SCORE"};
    c.queues[2] = by_type;
  });
  View<DemandData> plain;
  plain.complete = true;
  plain.data.tells_labels = plain.data.tells_types = false;
  for (const char* queue : {"q0", "q1", "q2"}) plain.data.cells.push_back(Demand{queue, "", "", 0, 5, 0, 0, 0});
  rig.give(core::DemandSeen{"w", rig.state->next_seq(), rig.now, plain});
  rig.view({});
  rig.pass();
  EXPECT_EQ(rig.last["q0"].n, 5);
  EXPECT_EQ(rig.last["q1"].held_code, "wms.cannot_select");
  EXPECT_NE(rig.last["q1"].held.find("does not tell job labels apart"), std::string::npos) << rig.last["q1"].held;
  EXPECT_NE(rig.last["q2"].held.find("resource types"), std::string::npos);
  plain.data.tells_labels = plain.data.tells_types = true;
  plain.data.cells[1].job_label = "managed";
  rig.now = rig.now + seconds{30};
  rig.give(core::DemandSeen{"w", rig.state->next_seq(), rig.now, plain});
  rig.pass();
  EXPECT_EQ(rig.last["q1"].n, 5) << "the server was renewed";
}

}  // namespace
}  // namespace apf::sim
