#include "monitor/pilot_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace apf::monitor {
namespace {

using testing::HasSubstr;

Pilot pilot(PilotState state) {
  Pilot p;
  p.key = 1;
  p.state = state;
  p.created = Wall{1000};
  if (!live(state)) p.ended = Wall{9000};
  p.submission = "s-1";
  p.index = 3;
  return p;
}

PilotNews report(PilotState state) {
  PilotNews n;
  n.id = "1.3";
  n.state = state;
  n.key = ReportKey{"s-1", 5};
  return n;
}

std::string check(const Pilot& p, PilotNews n) {
  const char* why = check_report(p, n);
  return why == nullptr ? "" : why;
}

TEST(PilotReport, MovesItsOwnPilotForward) {
  for (const PilotState state : {PilotState::running, PilotState::exiting, PilotState::fault})
    for (const PilotState is : {PilotState::created, PilotState::running, PilotState::exiting, PilotState::stale})
      EXPECT_EQ(check(pilot(is), report(state)), "") << name(is) << " " << name(state);
  for (const PilotState state : {PilotState::created, PilotState::done})
    EXPECT_THAT(check(pilot(PilotState::created), report(state)), HasSubstr("its factory's to tell"));
}

TEST(PilotReport, TouchesNoOtherPilot) {
  Pilot p = pilot(PilotState::running);
  PilotNews n = report(PilotState::exiting);
  n.submission = "s-1";
  n.index = 3;
  EXPECT_EQ(check(p, n), "");
  n.index = 2;
  EXPECT_THAT(check(p, n), HasSubstr("another pilot"));
  p.index.reset();
  EXPECT_EQ(check(p, n), "") << "its index is not known";
  n.index = 5;
  EXPECT_THAT(check(p, n), HasSubstr("another pilot")) << "the submission has only 5";
  n.index.reset();
  n.submission = "s-2";
  EXPECT_THAT(check(p, n), HasSubstr("another submission"));
  n.submission.clear();
  p.submission = "s-2";
  EXPECT_THAT(check(p, n), HasSubstr("another submission"));
  p.submission.clear();
  EXPECT_THAT(check(p, n), HasSubstr("another submission"));
}

TEST(PilotReport, IsOneOfFifty) {
  Pilot p = pilot(PilotState::running);
  p.reports = kMostReports - 1;
  EXPECT_EQ(check(p, report(PilotState::running)), "");
  p.reports = kMostReports;
  EXPECT_THAT(check(p, report(PilotState::running)), HasSubstr("told enough"));
}

TEST(PilotReport, LosesWhatIsNotAPilotsToTell) {
  PilotNews n = report(PilotState::running);
  n.label = "L";
  n.details = {{"stdout", "http://elsewhere"}};
  n.held = true;
  n.hold_reason = "x";
  n.node = "wn1";
  n.profile = "{}";
  n.at = Wall{1};
  Pilot p = pilot(PilotState::created);
  ASSERT_EQ(check_report(p, n), nullptr);
  EXPECT_EQ(n.label, "");
  EXPECT_TRUE(n.details.empty());
  EXPECT_FALSE(n.held);
  EXPECT_EQ(n.hold_reason, "");
  EXPECT_EQ(n.at, Wall{1000}) << "not before it was created";
  EXPECT_EQ(n.node, "wn1");
  p.node = 1;
  ASSERT_EQ(check_report(p, n), nullptr);
  EXPECT_EQ(n.node, "") << "it runs on one node";
  EXPECT_EQ(n.profile, "");
}

TEST(PilotReport, AfterTheEndItFillsInWhatIsMissing) {
  PilotNews n = report(PilotState::exiting);
  n.rc = 7;
  n.payloads = 2;
  n.payload_ids = "1,2";
  n.node = "wn1";
  n.text = "words";
  Pilot p = pilot(PilotState::done);
  PilotNews late = n;
  ASSERT_EQ(check_report(p, late), nullptr);
  EXPECT_EQ(late.rc, 7);
  EXPECT_EQ(late.payload_ids, "1,2");
  EXPECT_EQ(late.node, "wn1");
  EXPECT_EQ(late.text, "");
  EXPECT_EQ(late.at, Wall{9000}) << "not after its end";
  p.rc = 0;
  p.payloads = 0;
  p.payload_ids = "9";
  late = n;
  ASSERT_EQ(check_report(p, late), nullptr);
  EXPECT_FALSE(late.rc);
  EXPECT_FALSE(late.payloads);
  EXPECT_EQ(late.payload_ids, "");
  EXPECT_THAT(check(p, report(PilotState::fault)), HasSubstr("ended well"));
  p.aged = true;
  EXPECT_EQ(check(p, report(PilotState::fault)), "") << "its end was the monitor's guess";
  EXPECT_EQ(check(pilot(PilotState::fault), report(PilotState::fault)), "");
}

}  // namespace
}  // namespace apf::monitor
