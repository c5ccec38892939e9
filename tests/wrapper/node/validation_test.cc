// The checks of a node, as a pilot makes them before its first payload.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "wrapper/lab.h"

namespace apf::lab {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;

void script(const std::string& file, const std::string& text) {
  write_file(file, "#!/bin/sh\n" + text);
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
}

Json one_job() { return {{"jobs", {fake_job(1, "echo ran")}}}; }

struct Broken {
  const char* name;
  std::vector<std::pair<const char*, const char*>> options;
  int rc;
  const char* failure;
  const char* says;
};
class BrokenNode : public testing::TestWithParam<Broken> {};
class LaxNode : public testing::TestWithParam<Broken> {};
std::string name_of(const testing::TestParamInfo<Broken>& p) { return p.param.name; }
const Broken kBroken[]{
    {"disk", {{"mindisk", "1000000 GB"}}, 64, "disk", "less than"},
    {"tmp", {{"mintmp", "1000000 GB"}}, 64, "tmp", "less than"},
    {"memory", {{"minmemory", "1000000 GB"}}, 64, "memory", "less than"},
    {"cvmfs", {{"cvmfsbase", "/no/such"}, {"cvmfs", "a.example.org,b.example.org"}}, 64, "cvmfs", "/no/such/b"},
    {"container", {{"container", "/no/such/apptainer,false"}}, 64, "container", "exit code 1"},
    {"no_script", {{"checkscript", "/no/such/check"}}, 2, "script", "can't be run"},
};
const Broken kWithoutScratch[]{
    {"scratch", {{"scratch", "/proc"}, {"mindisk", "0"}}, 64, "disk", "no file can be made in it"},
    {"no_scratch", {{"scratch", "/no/such/place"}}, 64, "disk", "No such file"},
};
INSTANTIATE_TEST_SUITE_P(Cases, BrokenNode, testing::ValuesIn(kBroken), name_of);
INSTANTIATE_TEST_SUITE_P(NoScratch, BrokenNode, testing::ValuesIn(kWithoutScratch), name_of);
INSTANTIATE_TEST_SUITE_P(Cases, LaxNode, testing::ValuesIn(kBroken), name_of);

TEST_P(BrokenNode, GetsNoJobAndTellsWhyAtOnce) {
  const FaultyWms wms(one_job());
  Pilot pilot(wms.url());
  pilot.report_to(wms.url());
  for (const auto& [name, value] : GetParam().options) pilot.option(name, value);
  EXPECT_EQ(pilot.run(), GetParam().rc) << pilot.log();
  EXPECT_TRUE(wms.requests("acquire").empty()) << "no job is taken by a node that can't run it";
  EXPECT_EQ(pilot.summary()["failure"], GetParam().failure);
  EXPECT_THAT(pilot.summary()["reason"].get<std::string>(), HasSubstr(GetParam().says));
  EXPECT_EQ(pilot.summary()["outcome"], GetParam().rc == 64 ? "node_fault" : "configuration");
  const auto reports = wms.requests("report");
  ASSERT_FALSE(reports.empty());
  EXPECT_THAT(reports.back()["body"].get<std::string>(), HasSubstr("state=fault&rc=" + std::to_string(GetParam().rc)));
  EXPECT_THAT(reports.back()["body"].get<std::string>(), HasSubstr(std::string("&failure=") + GetParam().failure));
  EXPECT_TRUE(pilot.clean());
}

TEST_P(LaxNode, MayBeLetPass) {
  const FaultyWms wms(one_job());
  Pilot pilot(wms.url());
  for (const auto& [name, value] : GetParam().options) pilot.option(name, value);
  EXPECT_EQ(pilot.option("laxchecks", GetParam().failure).run(), 0) << pilot.log();
  EXPECT_THAT(pilot.log(), HasSubstr(": warning ("));
  EXPECT_THAT(pilot.log(), HasSubstr("\nran\n"));
}

TEST(Validation, AScriptOfTheVoHasItsSay) {
  const FaultyWms wms(one_job());
  Pilot pilot(wms.url());
  script(pilot.directory() / "good", "echo '{\"text\":\"v3 is there\"}'");
  script(pilot.directory() / "bad", "echo '{\"class\":\"software\",\"text\":\"no v4\"}'; exit 5");
  pilot.option("checkscript", "good").option("checkscript", "bad");
  EXPECT_EQ(pilot.run(), 64) << pilot.log();
  EXPECT_THAT(pilot.log(), HasSubstr("check script:good: ok"));
  EXPECT_THAT(pilot.log(), HasSubstr("v3 is there"));
  EXPECT_EQ(pilot.summary()["failure"], "software");
  EXPECT_THAT(pilot.summary()["reason"].get<std::string>(), HasSubstr("no v4"));
}

// It daemonises, ignores signals and is given up at its deadline; nothing of it is left.
TEST(Validation, AScriptThatHangsIsEndedWithAllThatItStarted) {
  const FaultyWms wms(one_job());
  Pilot pilot(wms.url());
  script(pilot.directory() / "hangs", "trap '' TERM\nsetsid sh -c 'trap \"\" TERM; echo $$ > " +
                                          (pilot.directory() / "daemon") + "; exec sleep 1000' &\nsleep 1000");
  pilot.option("checkscript", "hangs").option("checkdeadline", "script=1s");
  EXPECT_EQ(pilot.run(), 64) << pilot.log();
  EXPECT_THAT(pilot.log(), HasSubstr("did not end in time"));
  const std::string pid = read_file(pilot.directory() / "daemon");
  EXPECT_TRUE(pid.empty() || !alive(std::stoi(pid)));
  EXPECT_TRUE(pilot.clean());
}

TEST(Validation, AScriptFindsNoSecret) {
  const FaultyWms wms(Json{{"jobs", Json::array()}});
  Pilot pilot(wms.url());
  write_file(pilot.directory() / "t", "very-secret-token\n");
  const Directory d;
  script(pilot.directory() / "curious",
         "{ env; cat " + pilot.directory().path() + "/*; } > " + d.path() + "/seen\nexit 0");
  pilot.report_to(wms.url()).option("checkscript", "curious").option("tokenfile", "t");
  EXPECT_EQ(pilot.run(), 0) << pilot.log();
  EXPECT_THAT(read_file(d / "seen"), Not(HasSubstr("very-secret-token")));
  EXPECT_THAT(read_file(d / "seen"), Not(HasSubstr("report-secret")));
}

TEST(Validation, ACredentialThatEndsSoonIsTheQueuesFault) {
  const FaultyWms wms(one_job());
  Pilot pilot(wms.url());
  // {"alg":"none"} . {"exp":1000000000} . x
  write_file(pilot.directory() / "t", "eyJhbGciOiJub25lIn0.eyJleHAiOjEwMDAwMDAwMDB9.x");
  EXPECT_EQ(pilot.option("tokenfile", "t").run(), 68) << pilot.log();
  EXPECT_THAT(pilot.summary()["reason"].get<std::string>(), HasSubstr("the token ended at 2001-09-09"));
  Pilot proxy(wms.url());
  write_file(proxy.directory() / "proxy.pem", "-----BEGIN CERTIFICATE-----\n");
  EXPECT_EQ(proxy.environment("X509_USER_PROXY", proxy.directory() / "proxy.pem").run(), 68) << proxy.log();
}

TEST(Validation, TheClockIsComparedWithTheWms) {
  const FaultyWms right(Json{{"jobs", Json::array()}});
  Pilot pilot(right.url());
  EXPECT_EQ(pilot.option("checks", "full").run(), 0) << pilot.log();
  EXPECT_THAT(pilot.log(), HasSubstr("check clock: ok"));
  EXPECT_THAT(pilot.log(), HasSubstr("check monitor: skipped"));
  const FaultyWms wrong(Json{{"jobs", Json::array()}, {"date", "Sun, 06 Nov 1994 08:49:37 GMT"}});
  Pilot late(wrong.url());
  EXPECT_EQ(late.option("checks", "clock").run(), 64) << late.log();
  EXPECT_EQ(late.summary()["failure"], "clock");
}

// The factory tells a WMS that is down from a network that is.
TEST(Validation, AWmsOutOfReachIsItsOwnFaultUnlessNothingCanBeReached) {
  const FaultyWms factory(Json{{"jobs", Json::array()}});
  Pilot alone("http://127.0.0.1:1");
  EXPECT_EQ(alone.report_to(factory.url()).option("checks", "full").run(), 79) << alone.log();
  EXPECT_EQ(alone.summary()["failure"], "wms");
  Pilot cut_off("http://127.0.0.1:1");
  EXPECT_EQ(cut_off.report_to("http://127.0.0.1:1").option("checks", "full").run(), 64) << cut_off.log();
  EXPECT_EQ(cut_off.summary()["failure"], "network");
}

// R11: told at once, then the slot is kept, and whoever ends it is obeyed.
TEST(KeptSlot, IsKeptAfterTheFaultWasTold) {
  const FaultyWms wms(one_job());
  Pilot pilot(wms.url());
  pilot.report_to(wms.url()).option("mintmp", "1000000 GB").option("keepslot", "20min").start();
  ASSERT_TRUE(eventually([&] { return wms.requests("report").size() == 2; }));
  EXPECT_THAT(wms.requests("report")[1]["body"].get<std::string>(), HasSubstr("state=fault&rc=64"));
  EXPECT_THAT(wms.requests("report")[1]["body"].get<std::string>(), HasSubstr("&keeps="));
  EXPECT_TRUE(alive(pilot.process().pid()));
  EXPECT_TRUE(pilot.clean());
  pilot.process().signal(SIGTERM);
  EXPECT_EQ(pilot.wait(), 64) << pilot.log();
  EXPECT_THAT(wms.requests("report").back()["body"].get<std::string>(), Not(HasSubstr("keeps")));
}

TEST(KeptSlot, IsNotKeptForAFaultThatIsNotTheNodes) {
  const FaultyWms wms({{"jobs", Json::array()}, {"acquire", "403"}});
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.option("keepslot", "20min").run(), 68) << pilot.log();
}

}  // namespace
}  // namespace apf::lab
