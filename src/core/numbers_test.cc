// The ledger's numbers of pilots: known when they are submitted, so that pilots can carry them.
#include <gtest/gtest.h>

#include <set>

#include "support/core_rig.h"

namespace apf::core {
namespace {

// Batch id -> number.
std::map<std::string, std::uint64_t> numbers(const Rig& rig) {
  std::map<std::string, std::uint64_t> all;
  for (const auto& p : rig.state->pilots)
    if (p.used) all[p.batch_id] = p.no;
  return all;
}

void expect_numbered(const Rig& rig) {
  const auto known = numbers(rig);
  std::set<std::uint64_t> different;
  for (const auto& [id, no] : known) different.insert(no);
  EXPECT_EQ(different.size(), known.size());
  for (const auto& sent : rig.sent)
    for (std::int32_t i = 0; i < sent.n; ++i) {
      const auto at = known.find(sent.submission + "." + std::to_string(i));
      if (at == known.end()) continue;
      EXPECT_EQ(at->second, sent.first_no + static_cast<std::uint64_t>(i)) << at->first;
    }
}

TEST(Numbers, AreThoseThatWereSubmittedInWhateverOrderPilotsAreHeardOf) {
  Rig rig(2);
  rig.demand({{"q0", 4}, {"q1", 4}});
  rig.view({});
  rig.pass();
  ASSERT_EQ(rig.sent.size(), 2U);
  EXPECT_NE(rig.sent[0].first_no, rig.sent[1].first_no);
  // views are faster than the answers, and show them in any order
  rig.view({Rig::seen(rig.sent[1], 2, PilotState::running), Rig::seen(rig.sent[0], 3, PilotState::pending),
            Rig::seen(rig.sent[0], 0, PilotState::pending)});
  EXPECT_EQ(numbers(rig).size(), 3U);
  rig.answer(rig.sent[1]);
  rig.answer(rig.sent[0]);
  EXPECT_EQ(numbers(rig).size(), 8U);
  expect_numbered(rig);
  rig.demand({{"q0", 9}, {"q1", 4}});
  rig.pass();
  ASSERT_EQ(rig.sent.size(), 3U);
  rig.answer(rig.sent[2]);
  EXPECT_EQ(numbers(rig).size(), 13U);
  expect_numbered(rig);
}

// One more than was asked for must not take the number of the next submission's first.
TEST(Numbers, OfPilotsBeyondTheOrderAreTheirOwn) {
  Rig rig(2);
  rig.demand({{"q0", 2}, {"q1", 2}});
  rig.view({});
  rig.pass();
  ASSERT_EQ(rig.sent.size(), 2U);
  rig.answer(rig.sent[0]);
  rig.answer(rig.sent[1]);
  rig.view({Rig::seen(rig.sent[0], 0, PilotState::pending), Rig::seen(rig.sent[0], 1, PilotState::pending),
            Rig::seen(rig.sent[0], 2, PilotState::pending), Rig::seen(rig.sent[1], 0, PilotState::pending),
            Rig::seen(rig.sent[1], 1, PilotState::pending)});
  EXPECT_EQ(numbers(rig).size(), 5U);
  expect_numbered(rig);
}

}  // namespace
}  // namespace apf::core
