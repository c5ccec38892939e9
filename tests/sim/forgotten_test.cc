// R5: a submission that was acknowledged within the last hour, and of which neither the queue nor the history knows
// anything, shows that the view is wrong, however few its pilots are.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/world.h"

namespace apf::sim {
namespace {

constexpr auto kRefused = core::Trust::refused;

Scenario site(bool events) {
  Scenario s = one_queue();
  s.site.slots = 60;
  s.site.job_time = seconds{900};
  s.site.job_spread = 0.5;
  s.events = events;
  return s;
}

core::Trust trust(World& w) { return w.state().batches[0].trust; }

// The submission of the youngest pilot that runs.
std::string a_submission(const World& w) {
  const SimPilot* youngest = nullptr;
  for (const auto& [id, p] : w.pilots())
    if (p.seen.state == PilotState::running && (youngest == nullptr || youngest->seen.started < p.seen.started))
      youngest = &p;
  return youngest->seen.submission;
}

std::int64_t alarms(const World& w) {
  return std::count_if(w.alarms().begin(), w.alarms().end(),
                       [](const auto& a) { return a.raised && a.alarm.code == "batch.view_refused"; });
}

class Forgotten : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Sim, Forgotten, ::testing::Bool(),
                         [](const auto& given) { return given.param ? "events" : "lists"; });

TEST_P(Forgotten, ASubmissionThatAListHidesRefusesIt) {
  World w(site(GetParam()));
  w.add_jobs("Q", 3000);
  w.run_for(seconds{1800});
  ASSERT_EQ(trust(w), core::Trust::ok);
  const auto hidden = a_submission(w);
  bool hides = true;
  w.view_fault = [&](Result<View<BatchData>> v) {
    if (hides) std::erase_if(v->data.live, [&](const PilotSeen& p) { return p.submission == hidden; });
    return v;
  };
  w.run_for(seconds{330});
  EXPECT_EQ(trust(w), kRefused);
  EXPECT_EQ(w.state().batches[0].missing, 0) << "nothing is concluded from it";
  EXPECT_EQ(alarms(w), 1);
  hides = false;
  w.run_for(seconds{330});
  EXPECT_EQ(trust(w), core::Trust::ok);
  EXPECT_EQ(alarms(w), 1);
}

// A schedd that lost its last transactions: the view is right. A canary after 30 min shows it, and only then the pilots
// are looked up and given up.
TEST_P(Forgotten, ASubmissionThatIsReallyGoneIsSettledAfterACanary) {
  World w(site(GetParam()));
  w.add_jobs("Q", 3000);
  w.run_for(seconds{1800});
  w.vanish(a_submission(w));
  w.run_for(seconds{330});
  ASSERT_EQ(trust(w), kRefused);
  w.run_for(seconds{1200});
  EXPECT_EQ(trust(w), kRefused) << "repetition confirms nothing";
  w.run_for(seconds{1200});
  EXPECT_EQ(trust(w), core::Trust::ok);
  w.run_for(seconds{600});
  EXPECT_GE(w.slots_used(), 57) << "and the site is full again";
  EXPECT_EQ(w.removed(), 0);
}

}  // namespace
}  // namespace apf::sim
