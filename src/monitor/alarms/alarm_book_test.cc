#include "monitor/alarms/alarm_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace apf::monitor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Finding silent(const std::string& factory) {
  return {.code = "factory.silent",
          .factory = factory,
          .label = {},
          .node = {},
          .text = factory + " is silent.",
          .advice = "Look.",
          .evidence = {"a line"}};
}

// A book with a clock that the test sets, in seconds.
struct Rig {
  AlarmBook book{seconds{60}};
  std::int64_t s = 1000;
  [[nodiscard]] Mono mono() const { return Mono{s * 1'000'000'000}; }
  [[nodiscard]] Wall wall() const { return Wall{1'790'000'000'000 + s * 1000}; }
  std::vector<std::string> judge(std::vector<Finding> found) {
    std::vector<std::string> told;
    for (const Notice& n : book.judge(std::move(found), mono(), wall()))
      told.push_back((n.raised ? "raised " : "over ") + n.alarm.found.subject());
    return told;
  }
  std::vector<std::string> later(std::int64_t by, std::vector<Finding> found) {
    s += by;
    return judge(std::move(found));
  }
};

TEST(AlarmBook, RaisesOnceAndEndsOnce) {
  Rig r;
  EXPECT_THAT(r.judge({silent("a")}), ElementsAre("raised factory a"));
  EXPECT_THAT(r.later(1, {silent("a")}), IsEmpty());
  ASSERT_EQ(r.book.standing().size(), 1U);
  EXPECT_EQ(r.book.standing()[0].since, Wall{1'790'000'000'000 + 1'000'000});
  EXPECT_THAT(r.later(1, {}), IsEmpty());
  EXPECT_EQ(r.book.standing().size(), 1U) << "it may tremble";
  EXPECT_THAT(r.later(60, {}), ElementsAre("over factory a"));
  EXPECT_THAT(r.book.standing(), IsEmpty());
  EXPECT_THAT(r.later(1, {}), IsEmpty());
}

TEST(AlarmBook, WhatTremblesIsOneAlarm) {
  Rig r;
  EXPECT_THAT(r.judge({silent("a")}), ElementsAre("raised factory a"));
  for (int i = 0; i < 20; ++i)
    EXPECT_THAT(r.later(30, i % 2 == 0 ? std::vector<Finding>{} : std::vector{silent("a")}), IsEmpty());
}

TEST(AlarmBook, WaitsUntilItHasBeenSoForLongEnough) {
  Rig r;
  Finding f = silent("a");
  f.after = seconds{600};
  f.episode = 1;
  EXPECT_THAT(r.judge({f}), IsEmpty());
  EXPECT_THAT(r.later(599, {f}), IsEmpty());
  f.episode = 2;  // a pilot has started: it begins anew
  EXPECT_THAT(r.later(1, {f}), IsEmpty());
  EXPECT_THAT(r.later(599, {f}), IsEmpty());
  EXPECT_THAT(r.later(1, {f}), ElementsAre("raised factory a"));
  f.episode = 3;
  EXPECT_THAT(r.later(1, {f}), IsEmpty());
  EXPECT_THAT(r.later(60, {f}), ElementsAre("over factory a"));
  EXPECT_THAT(r.later(1, {f}), IsEmpty());
  EXPECT_THAT(r.later(600, {f}), ElementsAre("raised factory a"));
}

TEST(AlarmBook, AnInterruptionBeginsAnew) {
  Rig r;
  Finding f = silent("a");
  f.after = seconds{600};
  r.judge({f});
  r.later(500, {});
  EXPECT_THAT(r.later(1, {f}), IsEmpty());
  EXPECT_THAT(r.later(500, {f}), IsEmpty());
  EXPECT_THAT(r.later(100, {f}), ElementsAre("raised factory a"));
}

TEST(AlarmBook, PeopleAcknowledge) {
  Rig r;
  r.judge({silent("a")});
  ASSERT_TRUE(r.book.acknowledge("factory.silent", "factory a", {"joe", "I call them", r.wall()}));
  EXPECT_EQ(r.book.standing()[0].acknowledged.who, "joe");
  EXPECT_THAT(r.later(61, {}), ElementsAre("over factory a"));
  EXPECT_EQ(r.book.acknowledge("factory.silent", "factory a", {}).error().code, "alarm.unknown");
}

TEST(AlarmBook, MutedAlarmsStandAndAreNotTold) {
  Rig r;
  ASSERT_TRUE(r.book.mute({"factory.silent", "", "joe", "downtime", r.wall(), Wall{r.wall().ms + 100'000}}, r.wall()));
  EXPECT_THAT(r.judge({silent("a")}), IsEmpty());
  EXPECT_TRUE(r.book.standing()[0].muted);
  EXPECT_THAT(r.later(99, {silent("a")}), IsEmpty());
  EXPECT_THAT(r.later(1, {silent("a")}), ElementsAre("raised factory a")) << "the mute is over";
  EXPECT_THAT(r.book.mutes(), IsEmpty());
  ASSERT_TRUE(r.book.mute({"", "factory a", "joe", "", r.wall(), Wall{}}, r.wall()));
  EXPECT_THAT(r.later(61, {}), IsEmpty());
  ASSERT_TRUE(r.book.unmute("", "factory a"));
  EXPECT_EQ(r.book.unmute("", "factory a").error().code, "alarm.unknown");
  EXPECT_EQ(r.book.mute({}, r.wall()).error().code, "alarm.bad_mute");
  EXPECT_EQ(r.book.mute({"x", "", "", "", {}, Wall{5}}, r.wall()).error().code, "alarm.bad_mute");
}

TEST(AlarmBook, SurvivesARestart) {
  Rig r;
  Finding slow = silent("b");
  slow.after = seconds{600};
  slow.episode = 7;
  r.judge({silent("a"), slow});
  r.later(600, {silent("a"), slow});
  ASSERT_TRUE(r.book.acknowledge("factory.silent", "factory a", {"joe", "note", r.wall()}));
  ASSERT_TRUE(r.book.mute({"x", "y", "joe", "why", r.wall(), Wall{}}, r.wall()));
  EXPECT_TRUE(r.book.take_changed());
  EXPECT_FALSE(r.book.take_changed());
  Rig again;
  again.s = 5000;
  ASSERT_TRUE(again.book.load(r.book.save(), again.mono()));
  slow.episode = 8;  // the monitor did not hear what happened meanwhile
  EXPECT_THAT(again.later(1, {silent("a"), slow}), IsEmpty()) << "it was told before";
  ASSERT_EQ(again.book.standing().size(), 2U);
  EXPECT_EQ(again.book.mutes().size(), 1U);
  EXPECT_EQ(again.book.save(), r.book.save());
  EXPECT_THAT(again.later(60, {}), ElementsAre("over factory a", "over factory b"));
}

TEST(AlarmBook, RefusesAFileThatIsNotItsOwn) {
  AlarmBook book;
  for (const char* bad : {"", "{}", "[]", R"({"format":2})", R"({"format":1,"alarms":[{}],"mutes":[]})",
                          R"({"format":1,"alarms":[],"mutes":[{"code":1}]})"})
    EXPECT_EQ(book.load(bad, Mono{}).error().code, "alarm.bad_file") << bad;
  EXPECT_THAT(book.standing(), IsEmpty());
}

TEST(AlarmBook, IsBounded) {
  Rig r;
  std::vector<Finding> all;
  for (std::size_t i = 0; i < AlarmBook::kMostAlarms + 5; ++i) all.push_back(silent("f" + std::to_string(i)));
  EXPECT_EQ(r.judge(all).size(), AlarmBook::kMostAlarms);
  EXPECT_EQ(r.book.left_out(), 5U);
}

TEST(Ticket, SaysWhatWhereSinceWhenAndWhatToDo) {
  Alarm a;
  a.found = silent("a");
  a.since = Wall{1'790'000'000'000};
  const std::string text = ticket_text(a, "https://mon.example.org");
  for (const char* part : {"factory a [factory.silent]", "a is silent.", "Since 2026-09-21T", "- a line",
                           "What to do: Look.", "https://mon.example.org/report"})
    EXPECT_THAT(text, HasSubstr(part));
}

}  // namespace
}  // namespace apf::monitor
