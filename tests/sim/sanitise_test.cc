// Pilots that go wrong: held ones (R3), and rules about them.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/world.h"

namespace apf::sim {
namespace {

// What these tests are about needs more held pilots than a trial allows.
Scenario all_at_once() {
  Scenario s = one_queue();
  s.queues[0].trial = 1000;
  return s;
}

std::vector<std::string> acts(const World& w) {
  std::vector<std::string> out;
  for (const auto& d : w.decisions())
    if (!d.acted.empty()) out.push_back(d.acted);
  return out;
}

TEST(Sanitise, AHoldThatPassesGetsAnotherTry) {
  World w(all_at_once());
  w.add_jobs("Q", 20);
  w.hold_new = true;
  w.run_for(seconds{300});
  ASSERT_EQ(w.live(), 20);
  w.hold_new = false;
  w.run_for(seconds{1800});
  EXPECT_EQ(w.released, 20);
  EXPECT_EQ(w.removed(), 0);
  EXPECT_EQ(w.done_jobs(), 20) << "by the same pilots";
  ASSERT_FALSE(acts(w).empty());
  EXPECT_NE(acts(w).front().find("released 10 held pilots: held_release"), std::string::npos) << acts(w).front();
}

TEST(Sanitise, TriesAreCountedAndThenThePilotGoes) {
  World w(one_queue());
  w.add_jobs("Q", 5);
  w.hold_new = true;
  w.run_for(seconds{5 * 3600});
  EXPECT_EQ(w.released, 15) << "three tries each";
  EXPECT_EQ(w.removed(), 0);
  w.run_for(seconds{2 * 3600});
  EXPECT_GE(w.removed(), 5);
  const auto all = acts(w);
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const auto& a) { return a.find("held_remove") != a.npos; }));
}

TEST(Sanitise, WhatAPersonHoldsIsLeftAlone) {
  World w(one_queue());
  w.add_jobs("Q", 5);
  w.hold_new = true;
  w.hold_kind = HoldKind::people;
  w.run_for(seconds{24 * 3600});
  EXPECT_EQ(w.released, 0);
  EXPECT_EQ(w.removed(), 0);
  EXPECT_EQ(w.submitted(), 5);
}

TEST(Sanitise, APermanentHoldIsNotTriedAgain) {
  World w(one_queue());
  w.add_jobs("Q", 5);
  w.hold_new = true;
  w.hold_kind = HoldKind::permanent;
  w.run_for(seconds{5 * 3600});
  EXPECT_EQ(w.released, 0);
  w.run_for(seconds{2 * 3600});
  EXPECT_GE(w.removed(), 5);
}

// R5: a rule removes nothing while the list of pilots is in doubt.
TEST(Sanitise, NothingIsRemovedOnADoubtfulView) {
  World w(all_at_once());
  w.add_jobs("Q", 50);
  w.hold_new = true;
  w.hold_kind = HoldKind::permanent;
  w.run_for(seconds{3600});
  w.view_fault = [](Result<View<BatchData>> v) {
    v->data = {};
    return v;
  };
  w.run_for(seconds{12 * 3600});
  EXPECT_EQ(w.removed(), 0);
}

}  // namespace
}  // namespace apf::sim
