// R11 by many seeds: which pilots meet the bad node when is chance, and the limit has to hold whatever comes. The short
// sweep is part of every test run; APF_SWEEP_SEEDS makes it longer (tests/stages.cmake: full.sim_sweep).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "sim/world.h"

namespace apf::sim {
namespace {

struct Kind {
  const char* name;
  int slots;
  double ruins = 1;
  Duration after = seconds{2};
  Duration from{};
};

std::uint64_t seeds() {
  const char* asked = std::getenv("APF_SWEEP_SEEDS");  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return asked == nullptr ? 3 : std::strtoull(asked, nullptr, 10);
}

class BadNodes : public ::testing::TestWithParam<Kind> {};

TEST_P(BadNodes, LoseFewJobsWhateverTheSeed) {
  const Kind& kind = GetParam();
  std::int64_t most = 0;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    Scenario s = one_queue();
    s.site.nodes = sound_nodes(200);
    s.site.nodes.push_back({"bad.site.org", kind.slots, kind.ruins, kind.after, 1, kind.from});
    s.site.job_time = seconds{1200};
    s.site.job_spread = 0.5;
    s.seed = seed;
    World w(s);
    w.add_jobs("Q", 3000);
    for (int i = 0; i < 60 && w.waiting("Q") + w.running_jobs() > 0; ++i) w.run_for(seconds{600});
    EXPECT_EQ(w.waiting("Q"), 0) << "the work is done, seed " << seed;
    EXPECT_LE(w.lost_jobs(), 20) << "seed " << seed;
    for (const auto& [name, since] : w.exclusions()) EXPECT_EQ(name, "bad.site.org") << "seed " << seed;
    most = std::max(most, w.lost_jobs());
  }
  fmt::print("RELIABILITY|{}, {} slots, worst of {} seeds|jobs lost of 3000 {}|at most 20\n", kind.name, kind.slots,
             seeds(), most);
}

INSTANTIATE_TEST_SUITE_P(Sweep, BadNodes,
                         ::testing::Values(Kind{"a bad node", 1}, Kind{"a bad node", 4}, Kind{"a bad node", 16},
                                           Kind{"a bad node", 64},
                                           Kind{"a node that turns bad", 1, 1, seconds{2}, seconds{5000}},
                                           Kind{"a node that turns bad", 4, 1, seconds{2}, seconds{5000}},
                                           Kind{"a node that turns bad", 16, 1, seconds{2}, seconds{5000}},
                                           Kind{"a node that turns bad", 64, 1, seconds{2}, seconds{5000}},
                                           Kind{"a node that ruins every other pilot", 1, 0.5},
                                           Kind{"a node that ruins every other pilot", 4, 0.5},
                                           Kind{"a node that ruins every other pilot", 16, 0.5},
                                           Kind{"a node that ruins every other pilot", 64, 0.5},
                                           Kind{"a node that ruins pilots after 5 min", 1, 1, seconds{300}},
                                           Kind{"a node that ruins pilots after 5 min", 4, 1, seconds{300}}));

}  // namespace
}  // namespace apf::sim
