#include "monitor/store/history.h"

#include <gtest/gtest.h>

namespace apf::monitor {
namespace {

constexpr std::int64_t kHour = 3'600'000, kDay = 24 * kHour;

HistoryRow row(std::int64_t at, std::int32_t created, std::int64_t running) {
  HistoryRow r;
  r.at.ms = at;
  r.flow.created = created;
  r.live.running = running;
  return r;
}

TEST(History, AddsUpWhatHappenedInLongerSteps) {
  const auto days = in_steps_of({row(10 * kDay + 22 * kHour, 1, 5), row(10 * kDay + 23 * kHour, 2, 6),
                                 row(11 * kDay, 4, 7), row(14 * kDay, 8, 0)},
                                kDay);
  ASSERT_EQ(days.size(), 3U);
  EXPECT_EQ(days[0].at.ms, 10 * kDay);
  EXPECT_EQ(days[0].flow.created, 3);
  EXPECT_EQ(days[0].live.running, 6) << "what was live last";
  EXPECT_EQ(days[1].at.ms, 11 * kDay);
  EXPECT_EQ(days[1].flow.created, 4);
  EXPECT_EQ(days[2].at.ms, 14 * kDay);
  EXPECT_TRUE(in_steps_of({}, kDay).empty());
}

}  // namespace
}  // namespace apf::monitor
