// The chain: order, messages, and what stands outside the demand. The steps themselves: plugins/common/sched.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

#include "core/display_name.h"
#include "core/factory.h"

namespace apf::core {
namespace {

// Gives a number, whatever comes in.
class Give final : public SchedStep {
 public:
  Give(std::int64_t out, bool outside) : out_(out), outside_(outside) {}
  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& /*input*/) const override {
    return {out_, "in=" + std::to_string(n) + ",ret=" + std::to_string(out_)};
  }
  [[nodiscard]] bool outside_demand() const override { return outside_; }

 private:
  std::int64_t out_;
  bool outside_;
};

struct Given {
  std::int64_t out;
  bool outside;
};

Chain chain_of(const std::vector<Given>& steps) {
  Chain chain;
  for (const auto& s : steps)
    chain.emplace_back(s.outside ? "fixed" : "ready", std::make_shared<Give>(s.out, s.outside));
  return chain;
}

std::int64_t outside_of(const std::vector<Given>& steps) {
  std::int64_t outside = -1;
  fold(chain_of(steps), {}, &outside);
  return outside;
}

TEST(Fold, EachStepGetsTheNumberOfTheOneBefore) {
  const auto steps = fold(chain_of({{5, false}, {7, true}}), {});
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].in, 0);
  EXPECT_EQ(steps[0].out, 5);
  EXPECT_EQ(steps[1].in, 5);
  EXPECT_EQ(steps[1].out, 7);
  EXPECT_EQ(steps[1].plugin, "fixed");
}

TEST(Fold, AnEmptyChainDecidesNothing) {
  EXPECT_TRUE(fold({}, {}).empty());
  EXPECT_EQ(outside_of({}), 0);
}

TEST(Fold, CountsWhatStandsOutsideTheDemand) {
  EXPECT_EQ(outside_of({{10, false}}), 0);
  EXPECT_EQ(outside_of({{4, false}, {10, true}}), 6);              // raised by 6
  EXPECT_EQ(outside_of({{4, false}, {10, true}, {5, false}}), 5);  // lowered: at most what is left
  EXPECT_EQ(outside_of({{10, true}, {30, false}}), 10);            // a raise by demand adds none
  EXPECT_EQ(outside_of({{-8, false}, {2, true}}), 2);              // raised from below zero: only what is submitted
  EXPECT_EQ(outside_of({{10, true}, {-3, false}}), 0);
  EXPECT_EQ(outside_of({{10, true}, {-3, false}, {4, false}}), 0);  // once gone, gone
  EXPECT_EQ(outside_of({{10, false}, {4, true}}), 0);               // an outside step that lowers
}

TEST(Fold, ClampsWhatAStepReturns) {
  const auto steps = fold(chain_of({{std::numeric_limits<std::int64_t>::max(), true},
                                    {std::numeric_limits<std::int64_t>::min(), false},
                                    {std::numeric_limits<std::int64_t>::max(), true}}),
                          {});
  EXPECT_EQ(steps[0].out, kMost);
  EXPECT_EQ(steps[1].out, -kMost);
  EXPECT_EQ(steps[2].in, -kMost);
}

RC_GTEST_PROP(Fold, OutsideIsAlwaysAPartOfTheNumber, (const std::vector<std::pair<std::int64_t, bool>>& given)) {
  std::vector<Given> steps;
  steps.reserve(given.size());
  for (const auto& [out, outside] : given) steps.push_back({out, outside});
  std::int64_t outside = -1;
  const auto taken = fold(chain_of(steps), {}, &outside);
  const std::int64_t n = taken.empty() ? 0 : taken.back().out;
  RC_ASSERT(outside >= 0);
  RC_ASSERT(outside <= std::max<std::int64_t>(n, 0));
}

TEST(Message, JoinsTheStepsInTheOriginalsForm) {
  Decision d;
  EXPECT_EQ(message(d), "");
  d.steps = fold(chain_of({{86, false}, {9, true}}), {});
  EXPECT_EQ(message(d), "Ready:in=0,ret=86;Fixed:in=86,ret=9");
}

TEST(Message, NamesAreSpeltAsPeopleKnowThem) {
  EXPECT_EQ(display_name("maxpercycle"), "MaxPerCycle");
  EXPECT_EQ(display_name("keepnrunning"), "KeepNRunning");
  EXPECT_EQ(display_name("fillactivated"), "Fillactivated");
  EXPECT_EQ(display_name("trickle"), "Trickle");
  EXPECT_EQ(display_name(""), "");
}

}  // namespace
}  // namespace apf::core
