#include "monitor/pilot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "monitor/store/keys.h"
#include "monitor/store/pilot_rows.h"

namespace apf::monitor {
namespace {

using testing::HasSubstr;
using enum PilotState;

constexpr std::int64_t kStart = 1'700'000'000'000;
Wall at(double s) { return Wall{kStart + static_cast<std::int64_t>(s * 1000)}; }

PilotNews news(PilotState state, std::optional<std::int32_t> rc = {}) {
  PilotNews n;
  n.id = "1.0";
  n.state = state;
  n.rc = rc;
  return n;
}

// The pilot after these states were told, one a second.
Pilot after(std::initializer_list<PilotState> states) {
  Pilot p;
  double s = 0;
  for (const PilotState state : states) apply(p, news(state), 0, at(s += 1));
  return p;
}

TEST(Pilot, GoesThroughItsStatesWhateverIsLeftOut) {
  struct Case {
    std::initializer_list<PilotState> told;
    PilotState is;
  };
  for (const Case& c :
       {Case{{created}, created}, Case{{created, running}, running}, Case{{created, running, exiting, done}, done},
        Case{{created, done}, done}, Case{{done}, done}, Case{{running, fault}, fault}, Case{{fault}, fault},
        Case{{done, fault}, fault}, Case{{fault, done}, fault}, Case{{fault, running}, fault},
        Case{{exiting, running}, exiting}, Case{{done, exiting, running, created}, done}}) {
    const Pilot p = after(c.told);
    EXPECT_EQ(p.state, c.is) << testing::PrintToString(std::vector<PilotState>(c.told));
    EXPECT_EQ(p.line.front().state, *c.told.begin());
  }
}

// Whatever the order, the same is known in the end but for the times of arrival.
TEST(Pilot, LosesNothingWhenNewsIsReordered) {
  std::vector<PilotNews> told = {news(created), news(running), news(exiting, 20), news(done)};
  for (std::size_t i = 0; i < told.size(); ++i) told[i].at = at(static_cast<double>(i));
  told[1].text = "hello";
  told[2].payloads = 0;
  std::vector<std::size_t> order = {0, 1, 2, 3};
  do {
    Pilot p;
    for (const std::size_t i : order) apply(p, told[i], i == 1 ? 7 : 0, at(100));
    EXPECT_EQ(p.state, done);
    EXPECT_EQ(p.created, at(0));
    EXPECT_EQ(p.running, at(1));
    EXPECT_EQ(p.exiting, at(2));
    EXPECT_EQ(p.ended, at(3));
    EXPECT_EQ(p.rc, 20);
    EXPECT_EQ(p.node, 7U);
    EXPECT_EQ(p.work(), Work::empty);
    ASSERT_EQ(p.line.size(), 4U);
    EXPECT_TRUE(std::is_sorted(p.line.begin(), p.line.end(), [](auto& a, auto& b) { return a.at < b.at; }));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Pilot, RepetitionsChangeNothingButWhenItWasHeardOf) {
  Pilot p = after({created, running});
  const Pilot before = p;
  EXPECT_FALSE(apply(p, news(running), 0, at(50)));
  EXPECT_FALSE(apply(p, news(created), 0, at(60)));
  EXPECT_EQ(p.seen, at(60));
  p.seen = before.seen;
  EXPECT_EQ(p, before);
}

TEST(Pilot, KeepsTheFirstReasonAndTheWrappersOwnExitCode) {
  Pilot p;
  PilotNews n = news(fault, 1);
  n.text = "held: no such user";
  n.failure = "credential";
  apply(p, n, 0, at(1));
  n.text = "removed";
  n.failure = "other";
  apply(p, n, 0, at(2));
  EXPECT_EQ(p.reason, "held: no such user");
  EXPECT_EQ(p.failure, "credential");
  EXPECT_EQ(p.ended, at(1));

  Pilot q;
  apply(q, news(done, 0), 0, at(1));
  apply(q, news(exiting, 68), 0, at(2));
  EXPECT_EQ(q.rc, 68);
  apply(q, news(done, 1), 0, at(3));
  EXPECT_EQ(q.rc, 68);
}

TEST(Pilot, KnowsWhetherItFoundWork) {
  const auto with = [](std::optional<std::int32_t> rc, std::optional<std::int32_t> payloads, const char* ids) {
    Pilot p;
    p.rc = rc;
    p.payloads = payloads;
    p.payload_ids = ids;
    return p.work();
  };
  EXPECT_EQ(with({}, {}, ""), Work::unknown);
  EXPECT_EQ(with(0, {}, ""), Work::had);
  EXPECT_EQ(with(20, {}, ""), Work::empty);
  EXPECT_EQ(with(1, {}, ""), Work::unknown);
  EXPECT_EQ(with(0, 0, ""), Work::empty);
  EXPECT_EQ(with(1, 3, ""), Work::had);
  EXPECT_EQ(with(20, {}, "1234"), Work::had);
}

TEST(Pilot, TimesOfTheFutureAreNow) {
  Pilot p;
  PilotNews n = news(running);
  n.at = at(1000);
  apply(p, n, 0, at(5));
  EXPECT_EQ(p.running, at(5));
}

TEST(Ageing, TurnsSilenceIntoAStateThatNewsTakesBack) {
  const AgeingRules rules;
  Pilot p = after({created});
  EXPECT_FALSE(age(p, rules, at(6 * 3600)));
  EXPECT_TRUE(age(p, rules, at(6 * 3600 + 1)));
  EXPECT_EQ(p.state, stale);
  EXPECT_FALSE(age(p, rules, at(30 * 3600)));
  ASSERT_TRUE(age(p, rules, at(30 * 3600 + 1)));
  EXPECT_EQ(p.state, fault);
  EXPECT_THAT(p.reason, HasSubstr("nothing was heard"));
  EXPECT_EQ(due(p, rules).ms, 0);
  EXPECT_TRUE(apply(p, news(running), 0, at(31 * 3600)));
  EXPECT_EQ(p.state, running);
  EXPECT_EQ(p.reason, "");
  EXPECT_EQ(p.ended.ms, 0);
}

TEST(Ageing, ExitingBecomesDoneAndRunningStale) {
  const AgeingRules rules;
  Pilot p = after({created, running, exiting});
  EXPECT_TRUE(age(p, rules, at(1803)));
  EXPECT_EQ(p.state, done);
  EXPECT_TRUE(apply(p, news(fault), 0, at(2000)));
  EXPECT_EQ(p.state, fault);
  EXPECT_EQ(p.ended, at(2000)) << "the guess is taken back";
  Pilot q = after({running});
  ASSERT_TRUE(age(q, rules, at(72 * 3600 + 1)));
  EXPECT_EQ(q.state, stale);
  EXPECT_FALSE(age(q, rules, at(72 * 3600 + 2))) << "a day of silence more first";
}

TEST(Ageing, AnIdThatComesBackADayAfterItsEndIsAnotherPilot) {
  const Pilot p = after({created, done});
  EXPECT_FALSE(is_another(p, news(created), at(3600)));
  EXPECT_TRUE(is_another(p, news(created), at(2 + 24 * 3600)));
  EXPECT_FALSE(is_another(p, news(running), at(2 + 24 * 3600)));
  EXPECT_FALSE(is_another(after({created}), news(created), at(99 * 3600)));
}

TEST(TimeLine, IsBoundedAndSurvivesTheStore) {
  Pilot p;
  for (int i = 0; i < 100; ++i) {
    PilotNews n = news(fault);
    n.text = "reason " + std::to_string(i);
    n.payloads = i;
    n.source = "from 127.0.0.1";
    apply(p, n, 0, at(i));
  }
  EXPECT_EQ(p.line.size(), 24U);
  EXPECT_EQ(p.line.front().text, "reason 0");
  EXPECT_EQ(p.line.back().text, "reason 99");
  EXPECT_EQ(read_line(write_line(p.line)), p.line);
  EXPECT_TRUE(read_line("").empty());
  EXPECT_EQ(read_line("x\ty").size(), 1U) << "a damaged one is shown as far as it goes";
}

TEST(Keys, HoldTheIdsOfBatchSystems) {
  for (const char* id : {"0", "1", "123.0", "1.65535", "1073741823.0", "123_4", "70368744177663"}) {
    const auto key = key_of(32767, id);
    ASSERT_TRUE(key) << id;
    EXPECT_EQ(id_of(*key), id);
    EXPECT_EQ(factory_of(*key), 32767U);
    EXPECT_FALSE(is_numbered(*key));
    EXPECT_GT(*key, first_key(32767) - 1);
    EXPECT_LE(*key, last_key(32767));
  }
  for (const char* id : {"", "a", "1.", ".1", "01", "1.00", "+1", "-1", "1.65536", "1073741824.0", "1.2.3", "1 ", "1e3",
                         "70368744177664", "99999999999999999999"})
    EXPECT_FALSE(key_of(1, id)) << id;
  EXPECT_NE(key_of(1, "1.0"), key_of(2, "1.0"));
  EXPECT_NE(key_of(1, "1.0"), key_of(1, "1_0"));
  EXPECT_TRUE(is_numbered(numbered_key(1, 5)));
  EXPECT_EQ(number_of(numbered_key(1, 5)), 5);
  EXPECT_LT(*key_of(1, "7.9"), *key_of(1, "8.0")) << "in the order of their making";
}

}  // namespace
}  // namespace apf::monitor
