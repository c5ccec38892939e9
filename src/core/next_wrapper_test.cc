// The next wrapper (docs/wrapper-code.md), as far as the core has a say: who takes it is counted and told.
#include <gtest/gtest.h>

#include <array>

#include "support/core_rig.h"

namespace apf::core {
namespace {

TEST(NextWrapper, DecisionsTellWhoTriesTheNextWrapper) {
  const auto rig_with = [](const std::string& file, const std::string& executable) {
    return Rig(1, [&](Config& c) {
      c.factory.next_wrapper = file;
      auto spec = *c.queues[0];
      spec.next_wrapper = 30;
      spec.executable = executable;
      c.queues[0] = std::make_shared<QueueSpec>(spec);
    });
  };
  Rig rig = rig_with("/next.tar.gz", "");
  rig.demand({{"q0", 4}});
  rig.view({});
  rig.pass();
  ASSERT_EQ(rig.sent.size(), 1U);
  EXPECT_EQ(rig.sent[0].place, 0);
  EXPECT_EQ(rig.last["q0"].acted, "1 of 4 new pilots take the next wrapper (next_wrapper = 30 %)");
  rig.answer(rig.sent[0]);
  rig.demand({{"q0", 10}});
  rig.pass();
  ASSERT_EQ(rig.sent.size(), 2U);
  EXPECT_EQ(rig.sent[1].place, 4) << "the pilots of a queue are counted on";
  for (Rig& none : std::array{rig_with("", ""), rig_with("/next.tar.gz", "/bin/own")}) {
    none.demand({{"q0", 4}});
    none.view({});
    none.pass();
    EXPECT_EQ(none.last["q0"].acted, "");
  }
}

}  // namespace
}  // namespace apf::core
