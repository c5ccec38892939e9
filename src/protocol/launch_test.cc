#include "protocol/launch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace apf::protocol {
namespace {

std::vector<std::string> arguments(const QueueSpec& queue, bool behind_ce) {
  FactoryIdentity me;
  me.wrapper_url = "http://factory/wrapper";
  me.wrapper_sha256 = "00";
  SubmitOrder order;
  order.queue = &queue;
  order.me = &me;
  return launch(order, "1.0", "0", behind_ce).arguments;
}

TEST(Launch, BehindACeAFailingNodeKeepsItsSlot) {
  QueueSpec queue;
  EXPECT_THAT(arguments(queue, true), testing::IsSupersetOf({"--wrapperkeepslot", "20min"}));
  EXPECT_THAT(arguments(queue, false), testing::Not(testing::Contains("--wrapperkeepslot")));
}

// The wrapper takes the last one.
TEST(Launch, TheQueuesArgumentsHaveTheLastWord) {
  QueueSpec queue;
  queue.arguments = {"--wrapperkeepslot", "0"};
  const auto all = arguments(queue, true);
  ASSERT_GE(all.size(), 2U);
  EXPECT_EQ(all.back(), "0");
  EXPECT_EQ(std::count(all.begin(), all.end(), "--wrapperkeepslot"), 2);
}

TEST(Launch, AnotherProgramIsToldNothing) {
  QueueSpec queue;
  queue.executable = "/bin/true";
  EXPECT_TRUE(arguments(queue, true).empty());
}

}  // namespace
}  // namespace apf::protocol
