// apf-wrapper and faults that the real apf-jobqueue can't be made to show: lost answers, refusals, hanging, a server
// of PanDA that knows nothing of our extensions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>

#include "wrapper/lab.h"

namespace apf::lab {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

std::vector<std::string> states(const FaultyWms& wms) {
  std::vector<std::string> result;
  for (const Json& u : wms.updates())
    if (u["job_status"] != "running") result.push_back(u["job_status"]);
  return result;
}

TEST(PilotWithFakeWms, AsksAgainWithTheSameIdWhenTheAnswerIsLost) {
  const Directory d;
  const FaultyWms wms({{"jobs", {fake_job(1, "echo x >> " + d.path() + "/ran"), fake_job(2, "true")}},
                       {"acquire", {"drop", "503", "html", "ok"}}});
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.run(), 0) << pilot.log();
  EXPECT_EQ(read_file(d / "ran"), "x\n");
  EXPECT_EQ(pilot.summary()["payloads"], 2);
  const auto asked = wms.requests("acquire");
  ASSERT_GE(asked.size(), 5U);
  for (int i = 1; i < 4; ++i) EXPECT_EQ(asked[0]["body"], asked[i]["body"]);
  EXPECT_NE(asked[0]["body"], asked[4]["body"]) << "the next job is another request";
}

TEST(PilotWithFakeWms, TellsTheEndAgainUntilItIsHeard) {
  const FaultyWms wms({{"jobs", {fake_job(1, "sleep 0.5; exit 3")}}, {"update", {"ok", "drop", "503", "html", "ok"}}});
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.run(), 0) << pilot.log();
  EXPECT_EQ(states(wms), std::vector<std::string>(4, "failed"));
  const Json last = wms.updates().back();
  EXPECT_EQ(last["trans_exit_code"], 3);
  EXPECT_EQ(last["apf_attempt_key"], "key1");
  EXPECT_EQ(last["attempt_nr"], 1);
}

TEST(PilotWithFakeWms, GivesUpWhenNothingIsHeardForItsPatience) {
  const FaultyWms wms({{"jobs", Json::array()}, {"acquire", "503"}});
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.option("patience", "1s").run(), 79) << pilot.log();
  Pilot nobody("http://127.0.0.1:1");
  EXPECT_EQ(nobody.option("patience", "1s").run(), 79) << nobody.log();
}

TEST(PilotWithFakeWms, ARefusedTokenIsACredentialFault) {
  const FaultyWms wms({{"jobs", Json::array()}, {"acquire", "403"}});
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.run(), 68) << pilot.log();
  EXPECT_EQ(wms.requests("acquire").size(), 1U) << "it is not asked again";
}

TEST(PilotWithFakeWms, LeavesOutExtensionsThatPandaDoesNotKnow) {
  const FaultyWms wms({{"jobs", {fake_job(1, "echo ran", 0)}}, {"acquire", {"unknown_argument"}}});
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.run(), 0) << pilot.log();
  EXPECT_EQ(states(wms), std::vector<std::string>{"finished"});
  const auto asked = wms.requests("acquire");
  ASSERT_GE(asked.size(), 2U);
  for (std::size_t i = 1; i < asked.size(); ++i)
    EXPECT_EQ(asked[i]["body"].get<std::string>().find("apf_"), std::string::npos);
}

TEST(PilotWithFakeWms, ObeysTheWordOfTheServer) {
  const FaultyWms wms(
      {{"jobs", {fake_job(1, "exec sleep 1000")}}, {"updates", {{"running", {{"command", "tobekilled"}}}}}});
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.run(), 0) << pilot.log();
  EXPECT_EQ(states(wms), std::vector<std::string>{"failed"});
  EXPECT_EQ(wms.updates().back()["pilot_error_code"], 1144);
}

TEST(PilotWithFakeWms, AnAttemptThatIsNoLongerOursIsKilledAndNotReported) {
  const FaultyWms wms(
      {{"jobs", {fake_job(1, "exec sleep 1000")}}, {"updates", {{"running", {{"command", "badattemptnr"}}}}}});
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.run(), 0) << pilot.log();
  EXPECT_EQ(states(wms), std::vector<std::string>{});
}

// A connection that hangs in the middle of a renewal must not keep signals from the payload.
TEST(PilotWithFakeWms, AHangingServerDoesNotDelaySignals) {
  const Directory d;
  const FaultyWms wms({{"jobs",
                        {fake_job(1, "trap 'echo heard > " + d.path() + "/term; exit 0' TERM; echo > " + d.path() +
                                         "/ready; while :; do sleep 0.05; done")}},
                       {"update", "hang"}});
  Pilot pilot(wms.url());
  pilot.start();
  ASSERT_TRUE(eventually([&] { return exists(d / "ready") && !wms.requests("update").empty(); }));
  pilot.process().signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return exists(d / "term"); }));
  EXPECT_EQ(pilot.wait(), 128 + SIGTERM);
}

TEST(PilotWithFakeWms, ReportsToTheFactory) {
  const FaultyWms wms(Json{{"jobs", {fake_job(1, "true"), fake_job(2, "false")}}});
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.report_to(wms.url()).run(), 0) << pilot.log();
  std::vector<std::string> bodies;
  for (const auto& r : wms.requests("report")) {
    EXPECT_EQ(r["path"], "/apfmon/jobs/factory-1:12.0");
    EXPECT_EQ(r["authorization"], "Bearer report-secret");
    bodies.push_back(r["body"]);
  }
  ASSERT_EQ(bodies.size(), 3U);
  EXPECT_THAT(bodies[0], HasSubstr("state=running&submission=s-1&index=0"));
  EXPECT_THAT(bodies[1], HasSubstr("payload_started=1"));
  EXPECT_THAT(bodies[2], HasSubstr("state=exiting&rc=0"));
  EXPECT_THAT(bodies[2], HasSubstr("payloads=2"));
}

TEST(PilotWithFakeWms, AFaultIsReportedAsOne) {
  const FaultyWms wms({{"jobs", Json::array()}, {"acquire", "403"}});
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.report_to(wms.url()).run(), 68);
  EXPECT_THAT(wms.requests("report").back()["body"].get<std::string>(), HasSubstr("state=fault&rc=68"));
}

// Its first report hangs: the pilot works and ends all the same, and the last report still arrives.
TEST(PilotWithFakeWms, AFactoryThatHangsDelaysNothing) {
  const FaultyWms wms({{"jobs", {fake_job(1, "echo ran")}}, {"report", {"hang"}}});
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.report_to(wms.url()).run(), 0) << pilot.log();
  EXPECT_EQ(states(wms), std::vector<std::string>{"finished"});
  EXPECT_THAT(wms.requests("report").back()["body"].get<std::string>(), HasSubstr("state=exiting"));
}

}  // namespace
}  // namespace apf::lab
