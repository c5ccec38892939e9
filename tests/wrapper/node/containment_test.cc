// Payloads that do what they should not: what they do is contained or named, and told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "wrapper/lab.h"

namespace apf::lab {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

// Runs one job that never succeeds; the last word on it.
Json run_bad_job(Pilot& pilot, const FaultyWms& wms) {
  EXPECT_EQ(pilot.run(), 0) << pilot.log();
  EXPECT_TRUE(pilot.clean());
  EXPECT_EQ(pilot.summary()["outcome"], "payload_fault");
  const auto updates = wms.updates();
  EXPECT_FALSE(updates.empty());
  return updates.empty() ? Json{} : updates.back();
}

Json job_that(const std::string& script) { return {{"jobs", {fake_job(1, script)}}}; }

// Ten gigabytes go through; start and end are kept, the disk is not filled, and the payload is left in peace.
TEST(Containment, TenGigabytesOnStandardOutputTakeNoMoreThanTheyMay) {
  const FaultyWms wms(job_that(
      "echo first; head -c 10000000000 /dev/zero; echo; echo last; i=0; "
      "while [ $(( $(stat -c %b payload.out) * 512 )) -gt 150000000 ]; do i=$((i+1)); [ $i -lt 200 ] || exit 1; "
      "sleep 0.1; done"));
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.option("maxoutput", "100 MB").run(), 0) << pilot.log().substr(0, 4000);
  EXPECT_EQ(wms.updates().back()["job_status"], "finished") << "its output takes no 150 MB of the disk";
  EXPECT_THAT(pilot.log(), HasSubstr(" of 10000000012 bytes, the middle was not kept"));
  EXPECT_THAT(pilot.log(), HasSubstr("\nlast\n"));
  EXPECT_LT(pilot.log().size(), 12U << 20U);
}

TEST(Containment, WhatASessionOfItsOwnHidesIsNamedAndKilled) {
  const Directory d;
  const FaultyWms wms(job_that("setsid sh -c 'trap \"\" TERM HUP; echo $$ > " + d.path() +
                               "/pid; exec sleep 1000' & until [ -s " + d.path() +
                               "/pid ]; do sleep 0.05; done; exit 3"));
  Pilot pilot(wms.url());
  EXPECT_EQ(run_bad_job(pilot, wms)["trans_exit_code"], 3);
  const std::string pid = std::to_string(std::stoi(read_file(d / "pid")));
  EXPECT_FALSE(alive(std::stoi(pid)));
  EXPECT_THAT(pilot.log(), HasSubstr("left process " + pid + " (sleep, in a session of its own) behind: killed"));
  EXPECT_EQ(pilot.summary()["left_behind"], 1);
}

// Forks without end, ignores signals, and is ended by its wall time: all of it.
TEST(Containment, AForkingPayloadEndsWithAllItsChildren) {
  const Directory d;
  const FaultyWms wms(job_that("trap '' TERM INT; for i in 1 2 3 4 5 6 7 8 9 10; do (trap '' TERM; echo x >> " +
                               d.path() + "/children; exec sleep 98765) & done; wait"));
  Pilot pilot(wms.url());
  pilot.option("maxwall", "4s").option("grace", "200ms");
  EXPECT_EQ(run_bad_job(pilot, wms)["pilot_error_code"], 1213);
  EXPECT_EQ(read_file(d / "children").size(), 20U);
  EXPECT_THAT(pilot.log(), HasSubstr("reason=wall"));
  for (const auto& entry : std::filesystem::directory_iterator("/proc"))
    EXPECT_THAT(read_file(entry.path().string() + "/cmdline"), testing::Not(HasSubstr("98765"))) << entry.path();
}

TEST(Containment, ADirectoryThatGrowsOverItsLimitEndsThePayload) {
  const FaultyWms wms(job_that("i=0; while :; do i=$((i+1)); head -c 5000000 /dev/zero > f$i; sleep 0.1; done"));
  Pilot pilot(wms.url());
  pilot.option("maxscratch", "20 MB").option("grace", "200ms");
  EXPECT_EQ(run_bad_job(pilot, wms)["pilot_error_code"], 1104);
  EXPECT_THAT(pilot.log(), HasSubstr("reason=scratch"));
}

// A small file system of its own, filled to the brim.
TEST(Containment, APayloadThatFillsTheDiskIsEnded) {
  const Directory disk;
  if (::mount("none", disk.path().c_str(), "tmpfs", 0, "size=64m") != 0) GTEST_SKIP() << "only root may mount";
  {
    const FaultyWms wms(job_that("cat /dev/zero > fill; sleep 1000"));
    Pilot pilot(wms.url());
    pilot.option("scratch", disk.path()).option("mindisk", "10 MB");
    EXPECT_EQ(run_bad_job(pilot, wms)["pilot_error_code"], 1098);
    EXPECT_THAT(pilot.log(), HasSubstr("reason=disk"));
  }
  EXPECT_EQ(::umount(disk.path().c_str()), 0);
}

TEST(Containment, AStuckPayloadIsEnded) {
  const FaultyWms wms(job_that("echo begin; exec sleep 1000"));
  Pilot pilot(wms.url());
  pilot.option("stuck", "2s");
  EXPECT_EQ(run_bad_job(pilot, wms)["pilot_error_code"], 1150);
  EXPECT_THAT(pilot.log(), HasSubstr("reason=stuck"));
}

// No output, but a heartbeat: it is left in peace for many times the limit.
TEST(Containment, AHeartbeatIsASignOfLife) {
  const FaultyWms wms(job_that("for i in 1 2 3 4 5 6 7; do echo $i > $APF_HEARTBEAT_FILE; sleep 1; done"));
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.option("stuck", "4s").run(), 0) << pilot.log();
  EXPECT_EQ(wms.updates().back()["job_status"], "finished");
}

TEST(Containment, MemoryOfThePilotsOptionsIsALimitToo) {
  const FaultyWms wms(job_that("exec python3 -c 'x = bytearray(300 << 20); import time; time.sleep(1000)'"));
  Pilot pilot(wms.url());
  pilot.option("maxmemory", "100 MB");
  EXPECT_EQ(run_bad_job(pilot, wms)["pilot_error_code"], 1235);
}

// Limits and names are the guardian's, whatever it guards.
TEST(Containment, HoldsForEveryKindOfPilot) {
  const Directory d;
  write_file(d / "program", "#!/bin/sh\nsetsid sleep 1000 &\necho begins\nsleep 1000\n");
  std::filesystem::permissions(d / "program", std::filesystem::perms::owner_all);
  for (const auto& [option, value, word] :
       {std::tuple{"stuck", "2s", "(stuck)"}, std::tuple{"maxwall", "1s", "(wall)"}}) {
    Pilot pilot("http://127.0.0.1:1");
    pilot.option("plugin", "exec").option("program", d / "program").option(option, value).option("grace", "200ms");
    EXPECT_EQ(pilot.option("exit", "telling").run(), 65) << pilot.log();
    EXPECT_THAT(pilot.summary()["reason"].get<std::string>(), HasSubstr(word));
    EXPECT_THAT(pilot.log(), HasSubstr("in a session of its own) behind: killed"));
    EXPECT_TRUE(pilot.clean());
  }
}

TEST(Outcome, ExitCodesTellWhereTheyAreAskedTo) {
  const FaultyWms failing(job_that("false"));
  Pilot one(failing.url());
  EXPECT_EQ(one.option("exit", "telling").run(), 65) << one.log();
  EXPECT_EQ(one.summary()["outcome"], "payload_fault");
  const FaultyWms empty(Json{{"jobs", Json::array()}});
  Pilot none(empty.url());
  EXPECT_EQ(none.report_to(empty.url()).option("exit", "telling").run(), 82) << none.log();
  EXPECT_EQ(none.summary()["outcome"], "no_work");
  EXPECT_THAT(empty.requests("report").back()["body"].get<std::string>(), HasSubstr("state=exiting&rc=82"));
  Pilot plain(empty.url());
  EXPECT_EQ(plain.run(), 0);
  EXPECT_EQ(plain.summary()["outcome"], "no_work");
}

TEST(Outcome, TheEnvironmentIsShownWithoutItsSecrets) {
  const FaultyWms wms(Json{{"jobs", Json::array()}});
  Pilot pilot(wms.url());
  pilot.environment("DB_PASSWORD", "hunter2").environment("PLAIN", "to see").environment("RUCIO_AUTH_TOKEN", "hunter3");
  EXPECT_EQ(pilot.run(), 0);
  EXPECT_THAT(pilot.log(), HasSubstr("\n  PLAIN=to see\n"));
  EXPECT_THAT(pilot.log(), HasSubstr("\n  DB_PASSWORD=***\n"));
  EXPECT_THAT(pilot.log(), testing::Not(HasSubstr("hunter")));
}

TEST(Outcome, TheProfileIsLoggedAndTravelsWithAReport) {
  const FaultyWms wms(job_that("true"));
  Pilot pilot(wms.url());
  EXPECT_EQ(pilot.report_to(wms.url()).option("benchmark", "100").run(), 0) << pilot.log();
  EXPECT_THAT(pilot.log(), HasSubstr("node profile: {"));
  EXPECT_THAT(pilot.log(), HasSubstr("\"benchmark\":{\"mloops\":"));
  const auto reports = wms.requests("report");
  ASSERT_EQ(reports.size(), 3U);
  EXPECT_THAT(reports[1]["body"].get<std::string>(), HasSubstr("profile=%7B"));
  EXPECT_THAT(reports[2]["body"].get<std::string>(), HasSubstr("&ids=1"));
}

}  // namespace
}  // namespace apf::lab
