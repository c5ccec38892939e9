#include "apf/time.h"

#include <gtest/gtest.h>

namespace apf {
namespace {

TEST(Time, BetweenAnyTwoYearsIsADuration) {
  constexpr Wall now{1'795'320'000'000}, year_9999{253'402'300'799'000};
  EXPECT_EQ(between(now, Wall{now.ms + 1500}), milliseconds{1500});
  EXPECT_EQ(between(Wall{now.ms + 1500}, now), milliseconds{-1500});
  EXPECT_GT(between(now, year_9999), seconds{3'000'000'000});
  EXPECT_EQ(between(year_9999, now), -between(now, year_9999));
}

}  // namespace
}  // namespace apf
