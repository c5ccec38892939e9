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

TEST(Launch, AShareTriesTheNextWrapper) {
  QueueSpec queue;
  queue.next_wrapper = 20;
  EXPECT_THAT(arguments(queue, false), testing::Not(testing::Contains("--wrappernext"))) << "there is none";
  FactoryIdentity me;
  me.next_wrapper_url = "http://factory/next";
  me.next_wrapper_sha256 = "11";
  SubmitOrder order;
  order.queue = &queue;
  order.me = &me;
  order.place = 1095;
  EXPECT_THAT(launch(order, "1.0", "0").arguments,
              testing::IsSupersetOf({"--wrappernext", "95/20", "--wrappernexturl", "http://factory/next",
                                     "--wrappernextchecksum", "11"}));
  queue.next_wrapper = 0;
  EXPECT_THAT(launch(order, "1.0", "0").arguments, testing::Not(testing::Contains("--wrappernext")));
}

TEST(Launch, TheShareIsExactAndSpread) {
  for (const std::int64_t percent : {0, 1, 20, 33, 50, 99, 100}) {
    for (const std::int64_t start : {0, 7, 12345}) {
      std::int64_t taking = 0;
      for (std::int64_t i = 0; i < 100; ++i) taking += takes_next(start + i, percent) ? 1 : 0;
      EXPECT_EQ(taking, percent);
    }
  }
  for (std::int64_t i = 0; i < 100; ++i) EXPECT_EQ(takes_next(i, 50), i % 2 == 1);
}

TEST(Launch, PilotsKnowTheirNumbersWhereAMonitorTellsPandaOfThem) {
  const QueueSpec queue;
  FactoryIdentity me;
  SubmitOrder order;
  order.queue = &queue;
  order.me = &me;
  order.first_no = 12;
  EXPECT_FALSE(launch(order, "1.0", "0").environment.contains("APF_FIRST_WORKER"));
  me.harvester_id = "lab";
  me.first_worker = 400'000'000;
  const auto environment = launch(order, "1.0", "0").environment;
  EXPECT_EQ(environment.at("APF_HARVESTER"), "lab");
  EXPECT_EQ(environment.at("APF_FIRST_WORKER"), "400000012");
}

TEST(Launch, AnotherProgramIsToldNothing) {
  QueueSpec queue;
  queue.executable = "/bin/true";
  EXPECT_TRUE(arguments(queue, true).empty());
}

}  // namespace
}  // namespace apf::protocol
