// Nodes and queues that ruin pilots (R11), and what must not be taken for one: a WMS outage, a bad release of the
// wrapper, a bad task. Each figure is printed as "RELIABILITY|fault|figure|limit", so that a table can be made of them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "sim/world.h"

namespace apf::sim {
namespace {

void figure(const std::string& fault, const std::string& what, double value, double limit) {
  fmt::print("RELIABILITY|{}|{} {:g}|at most {:g}\n", fault, what, value, limit);
  EXPECT_LE(value, limit) << fault << ": " << what;
}

// 200 sound slots, one a node, and the nodes given.
Scenario site(const std::vector<NodeModel>& bad, std::uint64_t seed = 1) {
  Scenario s = one_queue();
  s.site.nodes = sound_nodes(200);
  s.site.nodes.insert(s.site.nodes.end(), bad.begin(), bad.end());
  s.site.job_time = seconds{1200};
  s.site.job_spread = 0.5;
  s.seed = seed;
  return s;
}

NodeModel black_hole(const std::string& name, int slots, double ruins = 1, Duration after = seconds{2}) {
  return {name + ".site.org", slots, ruins, after};
}

// Runs until the work for 3000 is done, at most 10 h.
void run_all(World& w) {
  w.add_jobs("Q", 3000);
  for (int i = 0; i < 60 && w.waiting("Q") + w.running_jobs() > 0; ++i) w.run_for(seconds{600});
  EXPECT_EQ(w.waiting("Q"), 0) << "the work is done";
}

void expect_only(const World& w, const std::string& prefix) {
  for (const auto& [name, since] : w.exclusions()) EXPECT_TRUE(name.starts_with(prefix)) << name;
}

std::int64_t alarms(const World& w, const std::string& code) {
  return std::count_if(w.alarms().begin(), w.alarms().end(),
                       [&](const auto& a) { return a.raised && a.alarm.code == code; });
}

TEST(Nodes, FourBlackHolesOfOneSlot) {
  std::int64_t most = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    World w(site({black_hole("bad1", 1), black_hole("bad2", 1), black_hole("bad3", 1), black_hole("bad4", 1)}, seed));
    run_all(w);
    most = std::max(most, w.lost_jobs());
    expect_only(w, "bad");
  }
  figure("4 bad slots beside 200 good, on 4 nodes", "jobs lost of 3000", static_cast<double>(most), 20);
}

// Which pilots meet the bad node when is chance, and the limit has to hold whatever comes. APF_SWEEP_SEEDS makes the
// sweep longer (tests/stages.cmake: full.sim_sweep).
struct Kind {
  const char* name;
  NodeModel node;
};

std::vector<Kind> kinds() {
  std::vector<Kind> all;
  for (const int slots : {1, 4, 16, 64}) {
    all.push_back({"a bad node", black_hole("bad", slots)});
    auto turns = black_hole("bad", slots);
    turns.from = seconds{5000};
    all.push_back({"a node that turns bad in mid-run", turns});
    all.push_back({"a node that ruins every other pilot", black_hole("bad", slots, 0.5)});
  }
  for (const int slots : {1, 4})
    all.push_back({"a node that ruins pilots after 5 min", black_hole("bad", slots, 1, seconds{300})});
  return all;
}

std::uint64_t seeds() {
  const char* asked = std::getenv("APF_SWEEP_SEEDS");  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return asked == nullptr ? 3 : std::strtoull(asked, nullptr, 10);
}

class BadNodes : public ::testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Sweep, BadNodes, ::testing::ValuesIn(kinds()));
TEST_P(BadNodes, LoseFewJobsWhateverTheSeed) {
  const auto& [name, node] = GetParam();
  const std::vector<NodeModel> bad(1, node);
  std::int64_t most = 0;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    SCOPED_TRACE(seed);
    World w(site(bad, seed));
    run_all(w);
    EXPECT_LE(w.lost_jobs(), 20);
    expect_only(w, "bad");
    most = std::max(most, w.lost_jobs());
  }
  figure(fmt::format("{}, {} slots; worst of {} seeds", name, node.slots, seeds()), "jobs lost of 3000",
         static_cast<double>(most), 20);
}

// On a full site nothing else starts for seconds: pilots that wait are kept from the node meanwhile, and are told when
// that is over, even if the factory was killed in between.
TEST(Nodes, ANodeIsPausedWhileThereIsNothingToCompareWith) {
  auto bad = black_hole("bad", 64);
  bad.from = seconds{5000};
  World w(site({bad}, 4));
  w.add_jobs("Q", 3000);
  const auto told = [&] {
    return std::count_if(w.pilots().begin(), w.pilots().end(), [](const auto& entry) {
      return entry.second.seen.state == PilotState::pending && !entry.second.avoid.empty();
    });
  };
  const auto paused = [&] { return w.state().queues[0].health.paused.host != 0; };
  w.run_for(seconds{5000});
  for (int i = 0; i < 3000 && !paused(); ++i) w.run_for(milliseconds{100});
  ASSERT_TRUE(paused());
  EXPECT_TRUE(w.exclusions().empty()) << "nothing is concluded yet";
  w.run_for(seconds{1});
  EXPECT_GT(told(), 0);
  w.crash();
  w.run_for(seconds{2});
  EXPECT_EQ(told(), 0);
  w.run_for(seconds{600});
  EXPECT_FALSE(paused());
  EXPECT_EQ(w.exclusions().size(), 1U);
}

TEST(Nodes, WhatIsMendedComesBack) {
  Scenario s = site({black_hole("bad", 4)});
  World w(s);
  w.add_jobs("Q", 100'000);
  w.run_for(seconds{600});
  ASSERT_EQ(w.exclusions().size(), 1U);
  s.site.nodes.back().ruins = 0;
  w.reconfigure(s);
  w.run_for(seconds{2 * 3600});
  EXPECT_TRUE(w.state().queues[0].health.excluded.empty());
  EXPECT_EQ(w.exclusions().size(), 1U);
  EXPECT_EQ(alarms(w, "queue.nodes_excluded"), 1);
  EXPECT_EQ(w.live() - w.pending(), 204) << "it is used again";
}

TEST(Nodes, ExclusionSurvivesACrash) {
  World w(site({black_hole("bad", 4)}));
  w.add_jobs("Q", 3000);
  w.run_for(seconds{600});
  ASSERT_EQ(w.state().queues[0].health.excluded.size(), 1U);
  const auto lost = w.lost_jobs();
  w.crash();
  ASSERT_EQ(w.state().queues[0].health.excluded.size(), 1U);
  EXPECT_EQ(w.state().queues[0].health.excluded[0].name, "bad.site.org");
  w.run_for(seconds{900});
  EXPECT_EQ(w.lost_jobs(), lost);
}

// At most a tenth of the known nodes: when a quarter of a site is broken, the queue is slowed down, too.
TEST(Nodes, AtMostATenthIsExcluded) {
  Scenario s = site({});
  for (std::size_t i = 0; i < 50; ++i) s.site.nodes[i].ruins = 1;
  World w(s);
  w.add_jobs("Q", 3000);
  bool throttled = false;
  for (int i = 0; i < 360; ++i) {
    w.run_for(seconds{10});
    const auto& h = w.state().queues[0].health;
    EXPECT_LE(h.excluded.size(), std::max<std::size_t>(1, h.known.size() / 10));
    throttled = throttled || h.throttle.on;
  }
  EXPECT_EQ(w.state().queues[0].health.excluded.size(), 20U);
  EXPECT_TRUE(throttled);
  EXPECT_GE(w.live() - w.pending(), 100) << "the sound ones are used all the same";
  for (const auto& [name, since] : w.exclusions()) EXPECT_LE(std::stoi(name.substr(2)), 50) << name << " is sound";
}

// ---- what is no node's fault ----

void none_excluded(const std::string& fault, const World& w) {
  figure(fault, "nodes excluded", static_cast<double>(w.exclusions().size()), 0);
}

TEST(Nodes, AWmsOutageIsNoNodesFault) {
  World w(site({}));
  w.add_jobs("Q", 3000);
  w.run_for(seconds{1500});
  w.wms_down = true;
  w.run_for(seconds{1200});
  const auto before = w.submitted();
  w.run_for(seconds{1200});
  figure("WMS outage of 40 min", "pilots submitted in its second half", static_cast<double>(w.submitted() - before),
         50);
  w.wms_down = false;
  w.run_for(seconds{600});
  EXPECT_GE(w.live(), 190) << "filled again within 10 min";
  w.run_for(seconds{3600});
  none_excluded("WMS outage of 40 min", w);
}

// There is no contrast to wait for where there are hardly any nodes.
TEST(Nodes, ASiteOfOneNodeRecoversFromAWmsOutageAsFast) {
  Scenario s = site({});
  s.site.nodes = sound_nodes(1, 64);
  World w(s);
  w.add_jobs("Q", 3000);
  w.run_for(seconds{1500});
  w.wms_down = true;
  w.run_for(seconds{2400});
  ASSERT_TRUE(w.state().queues[0].health.throttle.on);
  w.wms_down = false;
  w.run_for(seconds{600});
  EXPECT_GE(w.live() - w.pending(), 60) << "filled again within 10 min";
  EXPECT_FALSE(w.state().queues[0].health.throttle.on);
}

// A release whose file was replaced fails its checksum everywhere; one that was pinned to new submissions takes a job
// and dies.
struct Release {
  const char* name;
  bool World::* bad;
};
class BadRelease : public ::testing::TestWithParam<Release> {};
INSTANTIATE_TEST_SUITE_P(Nodes, BadRelease,
                         ::testing::Values(Release{"replaced", &World::bad_wrapper},
                                           Release{"pinned", &World::bad_release}),
                         [](const auto& given) { return std::string(given.param.name); });
TEST_P(BadRelease, IsNoNodesFaultAndSlowsTheQueue) {
  const std::string fault = fmt::format("bad wrapper release, {}, for 30 min", GetParam().name);
  World w(site({}));
  w.add_jobs("Q", 3000);
  w.run_for(seconds{1500});
  w.*GetParam().bad = true;
  w.run_for(seconds{900});
  EXPECT_EQ(alarms(w, "queue.failing"), 1);
  EXPECT_TRUE(w.decisions().back().bound_by.starts_with("cap failing pilots: ")) << w.decisions().back().bound_by;
  const auto before = w.submitted();
  w.run_for(seconds{900});
  figure(fault, "pilots wasted in its last 15 min", static_cast<double>(w.submitted() - before), 20);
  w.*GetParam().bad = false;
  w.run_for(seconds{1200});
  EXPECT_GE(w.live(), 190) << "filled again";
  EXPECT_FALSE(w.state().queues[0].health.throttle.on);
  none_excluded(fault, w);
}

TEST(Nodes, ABadTaskIsNoNodesFault) {
  for (const bool one_each : {false, true}) {
    World w(site({}));
    w.bad_jobs = 0.5;
    w.one_job_each = one_each;
    run_all(w);
    EXPECT_GT(w.failed_jobs(), 1000);
    none_excluded(one_each ? "bad task, one job a pilot" : "bad task", w);
    EXPECT_EQ(alarms(w, "queue.failing"), 0);
  }
}

TEST(Nodes, RandomFailuresExcludeHardlyAnybody) {
  std::size_t excluded = 0;
  std::int64_t ended = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Scenario s = site({}, seed);
    s.site.nodes = sound_nodes(100, 2);
    if (seed % 2 == 0) s.site.fail_rate = 0.05;
    if (seed % 2 == 1)
      for (auto& n : s.site.nodes) n.ruins = 0.05;  // after they took a job
    s.site.job_time = seconds{300};
    World w(s);
    w.add_jobs("Q", 8000);
    w.run_for(seconds{6 * 3600});
    excluded += w.exclusions().size();
    ended += w.ended_pilots();
  }
  ASSERT_GT(ended, 20'000);
  figure("5 % of pilots fail at random", "% of node decisions that exclude",
         100.0 * static_cast<double>(excluded) / static_cast<double>(ended), 0.1);
}

}  // namespace
}  // namespace apf::sim
