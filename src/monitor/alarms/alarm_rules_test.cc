#include "monitor/alarms/alarm_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace apf::monitor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kNow = 1'790'000'000'000;
Wall ago(std::int64_t s) { return Wall{kNow - s * 1000}; }

// One factory with two labels and two nodes, all well.
struct Site {
  FactoryFigures factory;
  LabelFigures good, other;
  NodeFigures node, peer;
  AlarmLimits limits;
  Wall began = ago(30 * 86400);

  Site() {
    factory.no = 1;
    factory.name = "lab";
    factory.seen = factory.last_cycle = ago(30);
    good.no = 1;
    good.factory = other.factory = 1;
    good.factory_name = other.factory_name = "lab";
    good.name = "BNL";
    good.live = {.created = 10, .running = 100};
    good.hour = {.created = 60, .started = 60, .done = 55, .fault = 2};
    good.last_started = ago(30);
    other.no = 2;
    other.name = "CERN";
    node.no = 1;
    node.name = "wn1";
    node.labels = {1};
    node.hour = {.started = 10, .done = 8, .fault = 0};
    node.running = 2;
    peer.no = 2;
    peer.name = "wn2";
    peer.labels = {1};
    peer.hour = {.started = 50, .done = 47, .fault = 2};
  }
  [[nodiscard]] std::vector<Finding> findings() const {
    Snapshot s;
    s.factories = {std::make_shared<FactoryFigures>(factory)};
    s.labels = {std::make_shared<LabelFigures>(good), std::make_shared<LabelFigures>(other)};
    s.nodes = {std::make_shared<NodeFigures>(node), std::make_shared<NodeFigures>(peer)};
    return find_trouble(s, limits, began, Wall{kNow});
  }
  [[nodiscard]] std::vector<std::string> codes() const {
    std::vector<std::string> all;
    for (const Finding& f : findings()) all.push_back(f.code + " " + f.subject());
    return all;
  }
};

TEST(AlarmRules, FindNothingWhereAllIsWell) { EXPECT_THAT(Site().codes(), IsEmpty()); }

TEST(AlarmRules, AFactoryFallsSilent) {
  Site s;
  s.factory.seen = ago(899);
  EXPECT_THAT(s.codes(), IsEmpty());
  s.factory.seen = ago(901);
  EXPECT_THAT(s.codes(), ElementsAre("factory.silent factory lab"));
  s.factory.email = "ops@example.org";
  EXPECT_THAT(s.findings()[0].advice, HasSubstr("ops@example.org"));
  s.factory.seen = ago(8 * 86400);
  EXPECT_THAT(s.codes(), IsEmpty()) << "it was taken away";
}

TEST(AlarmRules, WhatTheMonitorDidNotHearWhileItWasDownIsNoSilence) {
  Site s;
  s.factory.seen = ago(3600);
  s.began = ago(60);
  EXPECT_THAT(s.codes(), IsEmpty());
  s.began = ago(1000);
  EXPECT_THAT(s.codes(), ElementsAre("factory.silent factory lab"));
}

TEST(AlarmRules, ACredentialEnds) {
  Site s;
  s.factory.credential_ends = Wall{kNow + 86401000};
  EXPECT_THAT(s.codes(), IsEmpty());
  s.factory.credential_ends = Wall{kNow + 86000000};
  EXPECT_THAT(s.codes(), ElementsAre("factory.credential factory lab"));
  EXPECT_THAT(s.findings()[0].text, HasSubstr(" ends "));
  s.factory.credential_ends = ago(5);
  EXPECT_THAT(s.findings()[0].text, HasSubstr(" ended "));
  s.factory.credential_ends = Wall{253402300799000};  // year 9999
  EXPECT_THAT(s.codes(), IsEmpty());
}

TEST(AlarmRules, PilotsWaitAndNoneStarts) {
  Site s;
  s.other.live.created = 4;
  EXPECT_THAT(s.codes(), IsEmpty()) << "few wait";
  s.other.live.created = 5;
  ASSERT_THAT(s.codes(), ElementsAre("label.no_start label lab:CERN"));
  const Finding f = s.findings()[0];
  EXPECT_EQ(f.after, seconds{3600}) << "found at once; the book waits";
  EXPECT_THAT(f.text, HasSubstr("5 pilots wait and none has ever started"));
  s.other.last_started = ago(61);
  EXPECT_EQ(s.findings()[0].episode, ago(61).ms);
  s.other.last_started = ago(59);
  EXPECT_THAT(s.codes(), IsEmpty());
}

TEST(AlarmRules, PilotsFail) {
  Site s;
  s.good.hour = {.started = 40, .done = 15, .fault = 14};
  EXPECT_THAT(s.codes(), IsEmpty());
  s.good.hour.fault = 15;
  s.peer.hour.fault = 3;
  s.peer.last_reason = "no cvmfs";
  EXPECT_THAT(s.codes(), ElementsAre("label.faults label lab:BNL"));
  EXPECT_THAT(s.findings()[0].text, HasSubstr("15 of 30 pilots that ended within an hour were in fault (50 %)"));
  EXPECT_THAT(s.findings()[0].evidence,
              testing::Contains(HasSubstr("node wn2: 3 in fault within an hour, last: no cvmfs")));
  s.good.hour = {.started = 40, .fault = 19};
  EXPECT_THAT(s.codes(), IsEmpty()) << "too few to tell";
}

TEST(AlarmRules, PilotsEndWithoutHavingRun) {
  Site s;
  s.good.hour = {.started = 14, .done = 14, .fault = 6, .unstarted = 6, .held = 6};
  EXPECT_THAT(s.codes(), ElementsAre("label.held label lab:BNL"));
  s.good.hour.held = 5;
  EXPECT_THAT(s.codes(), IsEmpty());
}

TEST(AlarmRules, ANodeEatsPilots) {
  Site s;
  s.node.hour = {.started = 4, .done = 0, .fault = 4};
  s.node.running = 0;
  s.node.fault_run = 3;
  EXPECT_THAT(s.codes(), IsEmpty());
  s.node.fault_run = 4;
  s.node.last_failure = "disk";
  EXPECT_THAT(s.codes(), ElementsAre("node.eats_pilots node wn1"));
  EXPECT_THAT(s.findings()[0].text, HasSubstr("The last 4 pilots on this node ended in fault (disk)"));
  EXPECT_EQ(s.findings()[0].label, "BNL");
}

TEST(AlarmRules, WhereAllNodesFailItIsNotTheNode) {
  Site s;
  s.node.fault_run = 9;
  s.node.hour = {.started = 9, .done = 0, .fault = 9};
  s.node.running = 0;
  s.good.live.running = 0;
  s.good.hour = {.started = 30, .done = 5, .fault = 25};
  EXPECT_THAT(s.codes(), ElementsAre("label.faults label lab:BNL"));
}

}  // namespace
}  // namespace apf::monitor
