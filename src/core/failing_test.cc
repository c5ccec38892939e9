// What makes a queue suspect, and what does not (R11). The rest is in tests/sim/nodes_test.cc.
#include <gtest/gtest.h>

#include "core/factory.h"
#include "support/core_rig.h"

namespace apf::core {
namespace {

// Eight pilots of one node start and end three seconds later.
Rig after_ends(bool evicted) {
  Rig rig;
  rig.demand({{"q0", 8}});
  rig.view({});
  rig.pass();
  const SubmitPilots s = rig.sent.at(0);
  rig.answer(s);
  std::vector<PilotSeen> started, over;
  for (std::uint32_t i = 0; i < 8; ++i) {
    PilotSeen p = Rig::seen(s, i, PilotState::running);
    p.node = "wn1";
    started.push_back(p);
    p.state = PilotState::failed;
    p.wall_s = 3;
    p.evicted = evicted;
    over.push_back(p);
  }
  rig.view(started);
  rig.now = rig.now + seconds{3};
  rig.view({}, over);
  rig.pass();
  return rig;
}

TEST(Failing, PilotsThatFailAtOnceSlowTheQueue) { EXPECT_TRUE(after_ends(false).state->queues[0].health.throttle.on); }

// A schedd that was killed loses touch with them, a busy pool gives their slots to others.
TEST(Failing, PilotsWhoseSlotsWereTakenAwayDoNot) {
  EXPECT_FALSE(after_ends(true).state->queues[0].health.throttle.on);
}

// HTCondor 23.9 said so of pilots that had outlived their schedd.
TEST(Failing, AWallTimeBeyondBeliefIsNotTold) {
  for (const float told : {1.0e9F, 90'000.0F, 3.0F}) {
    Rig rig;
    rig.demand({{"q0", 1}});
    rig.view({});
    rig.pass();
    rig.answer(rig.sent.at(0));
    PilotSeen p = Rig::seen(rig.sent[0], 0, PilotState::done);
    p.wall_s = told;
    rig.view({}, {p});
    float kept = 0;
    for (const auto& effect : rig.pass())
      if (const auto* commit = std::get_if<Commit>(&effect); commit != nullptr)
        for (const auto& pilot : commit->batch->pilots) kept = pilot.wall_s;
    EXPECT_EQ(kept, told < 10 ? told : -1.0F);
  }
}

}  // namespace
}  // namespace apf::core
