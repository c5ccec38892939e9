// apf-wrapper against the real apf-jobqueue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "wrapper/lab.h"

namespace apf::lab {
namespace {

using testing::HasSubstr;
using testing::Not;

// Number in a file that a payload writes, once it is there.
int number_in(const std::string& file) {
  EXPECT_TRUE(eventually([&] { return read_file(file).find('\n') != std::string::npos; })) << file;
  return std::stoi("0" + read_file(file));
}

TEST(PilotWithJobQueue, RunsJobsUntilThereIsNoWork) {
  const JobQueue queue;
  queue.submit("echo out-of-{i}; echo err >&2; exit {i}", {"--count", "3", "--attempts", "1"});
  queue.submit("kill -SEGV $$", {"--attempts", "1"});
  Pilot pilot(queue.url());
  EXPECT_EQ(pilot.token(queue.pilot_token()).run(), 0) << pilot.log();
  std::map<std::string, int> ended;
  for (const auto& job : queue.jobs()) ended[job["jobStatus"].get<std::string>() + job["transExitCode"].dump()]++;
  EXPECT_EQ(ended, (std::map<std::string, int>{{"finished0", 1}, {"failed1", 1}, {"failed2", 1}, {"failed139", 1}}));
  EXPECT_EQ(pilot.summary()["payloads"], 4);
  EXPECT_EQ(pilot.summary()["failed"], 3);
  EXPECT_EQ(pilot.summary()["reason"], "no work");
  EXPECT_THAT(pilot.log(), HasSubstr("\nout-of-2\n"));
  EXPECT_TRUE(pilot.clean());
}

TEST(PilotWithJobQueue, NoWorkIsNoFault) {
  const JobQueue queue;
  Pilot pilot(queue.url());
  EXPECT_EQ(pilot.token(queue.pilot_token()).run(), 0);
  EXPECT_EQ(pilot.summary()["payloads"], 0);
}

TEST(TrivialPilot, RunsNothingAndNeedsNoWms) {
  const Directory d;
  Process pilot({APF_BIN_DIR "/apf-wrapper", "--wrapperplugin", "trivial"}, {{"TMPDIR", d.path()}}, d.path(),
                d / "log");
  EXPECT_EQ(pilot.wait(), 0) << read_file(d / "log");
  EXPECT_THAT(read_file(d / "log"), HasSubstr("\"payloads\":0,\"rc\":0,\"reason\":\"node checked\""));
}

// As HTCondor starts a job.
TEST(PilotWithJobQueue, APilotWithoutAPathFindsProgramsAndSoDoesItsPayload) {
  const JobQueue queue;
  queue.submit("printenv PATH");
  const Directory d;
  Process pilot({"/usr/bin/env", "-u", "PATH", std::string(APF_BIN_DIR) + "/apf-wrapper", "--wrapperwmsurl",
                 queue.url(), "--wrapperwmsqueue", "Q", "--wrappertokenfile", queue.pilot_token()},
                {{"TMPDIR", d.path()}}, d.path(), d / "log");
  EXPECT_EQ(pilot.wait(), 0) << read_file(d / "log");
  EXPECT_EQ(queue.job(1)["jobStatus"], "finished") << read_file(d / "log");
  EXPECT_THAT(read_file(d / "log"), HasSubstr("\n/usr/local/bin:/usr/bin:/bin\n"));
}

TEST(PilotWithJobQueue, FourPilotsRunEveryJobOnce) {
  const JobQueue queue;
  const Directory marks;
  queue.submit("echo x >> " + marks.path() + "/{i}", {"--count", "40"});
  std::vector<std::unique_ptr<Pilot>> pilots;
  for (int i = 0; i < 4; ++i) {
    pilots.push_back(std::make_unique<Pilot>(queue.url()));
    pilots.back()->token(queue.pilot_token()).start();
  }
  for (auto& pilot : pilots) EXPECT_EQ(pilot->wait(), 0) << pilot->log();
  for (int i = 0; i < 40; ++i) EXPECT_EQ(read_file(marks / std::to_string(i)), "x\n") << i;
}

TEST(PilotWithJobQueue, AWrongTokenIsACredentialFault) {
  const JobQueue queue;
  const Directory d;
  write_file(d / "token", "not-a-token");
  Pilot pilot(queue.url());
  EXPECT_EQ(pilot.token(d / "token").run(), 68) << pilot.log();
}

TEST(PilotWithJobQueue, ThePayloadFindsNoSecret) {
  const JobQueue queue;
  const std::string token = read_file(queue.pilot_token());
  queue.submit("env; echo ---; cat ../../* ../* 2>/dev/null; tr '\\0' ' ' < /proc/$PPID/cmdline; ls -a ../..");
  Pilot pilot(queue.url());
  pilot.token(queue.pilot_token()).report_to("http://127.0.0.1:1");
  EXPECT_EQ(pilot.run(), 0);
  EXPECT_EQ(pilot.summary()["payloads"], 1);
  EXPECT_THAT(pilot.log(), HasSubstr("APFFID=factory-1"));
  EXPECT_THAT(pilot.log(), Not(HasSubstr("APF_REPORT_KEY_FILE")));
  EXPECT_THAT(pilot.log(), Not(HasSubstr(token.substr(0, token.find('\n')))));
  EXPECT_THAT(pilot.log(), Not(HasSubstr("report-secret")));
  EXPECT_FALSE(exists(pilot.directory() / "wms.token"));
  EXPECT_FALSE(exists(pilot.directory() / "apf-report.key"));
}

TEST(PilotWithJobQueue, JobsGetTheirEnvironmentAndDirectory) {
  const JobQueue queue;
  queue.submit("echo \"$APF_JOB_ID/$PandaID/$APF_JOB_ATTEMPT/$COLOUR/$(basename $PWD)\"",
               {"--env=COLOUR=a blue", "--attempts", "1"});
  Pilot pilot(queue.url());
  EXPECT_EQ(pilot.token(queue.pilot_token()).run(), 0);
  EXPECT_THAT(pilot.log(), HasSubstr("\n1/1/1/a blue/job-1-1\n"));
}

TEST(PilotWithJobQueue, RenewsALeaseThatIsShorterThanTheJob) {
  const JobQueue queue("2s");
  queue.submit("sleep 5; echo survived");
  Pilot pilot(queue.url());
  EXPECT_EQ(pilot.token(queue.pilot_token()).run(), 0);
  EXPECT_EQ(queue.job(1)["jobStatus"], "finished") << pilot.log();
  EXPECT_EQ(queue.job(1)["attemptNr"], 1);
}

// R12: a pilot that can't renew kills its payload before the server gives the job to another one.
TEST(PilotWithJobQueue, WithoutTheServerThePayloadIsDeadBeforeItsLeaseEnds) {
  const JobQueue queue("5s");
  const Directory d;
  queue.submit("cd " + d.path() +
               "; while :; do read up _ < /proc/uptime; echo $up > now; mv now last; sleep 0.05; done");
  Pilot pilot(queue.url());
  pilot.token(queue.pilot_token()).option("patience", "1s").start();
  ASSERT_TRUE(eventually([&] { return exists(d / "last"); }));
  queue.signal(SIGSTOP);
  const double stopped = std::stod(read_file("/proc/uptime"));
  EXPECT_EQ(pilot.wait(), 79) << pilot.log();
  EXPECT_THAT(pilot.log(), HasSubstr("reason=lease"));
  // No renewal that was answered left after the server stood still: the lease ended 5 s later at the latest.
  EXPECT_LT(std::stod(read_file(d / "last")), stopped + 5.0);
  queue.signal(SIGCONT);
}

// The pilot itself may be stopped: its guardian keeps the deadline.
TEST(PilotWithJobQueue, AStoppedPilotLosesItsPayloadAtTheLease) {
  const JobQueue queue("3s");
  const Directory d;
  queue.submit("echo $$ > " + d.path() + "/pid; exec sleep 1000", {"--attempts", "1"});
  Pilot pilot(queue.url());
  pilot.token(queue.pilot_token()).option("patience", "1s").start();
  const pid_t payload = number_in(d / "pid");
  pilot.process().signal(SIGSTOP);
  EXPECT_TRUE(eventually([&] { return !alive(payload); }));
  pilot.process().signal(SIGCONT);
  pilot.wait();
  EXPECT_THAT(pilot.log(), HasSubstr("reason=lease"));
}

// Also what left the payload's process group and session.
TEST(PilotWithJobQueue, KillingThePilotKillsAllThatThePayloadStarted) {
  const JobQueue queue;
  const Directory d;
  queue.submit("setsid sh -c 'trap \"\" TERM HUP; echo $$ > " + d.path() + "/daemon; while :; do sleep 1; done' & " +
               "trap '' TERM; echo $$ > " + d.path() + "/leader; while :; do sleep 1; done");
  Pilot pilot(queue.url());
  pilot.token(queue.pilot_token()).start();
  const pid_t leader = number_in(d / "leader");
  const pid_t daemon = number_in(d / "daemon");
  ASSERT_TRUE(alive(leader) && alive(daemon));
  pilot.process().signal(SIGKILL);
  EXPECT_EQ(pilot.wait(), 128 + SIGKILL);
  EXPECT_TRUE(eventually([&] { return !alive(leader) && !alive(daemon); }));
  EXPECT_TRUE(eventually([&] { return pilot.clean(); })) << "the guardian removes the scratch directory";
}

TEST(PilotWithJobQueue, KillingTheGuardianKillsThePayloadAndThePilotGoesOn) {
  const JobQueue queue;
  const Directory d;
  queue.submit("setsid sh -c 'echo $$ > " + d.path() + "/daemon; exec sleep 1000' & echo $PPID > " + d.path() +
                   "/guardian; echo $$ > " + d.path() + "/leader; wait; exec sleep 1000",
               {"--attempts", "1"});
  queue.submit("echo second-job-ran");
  Pilot pilot(queue.url());
  pilot.token(queue.pilot_token()).start();
  const pid_t leader = number_in(d / "leader");
  const pid_t daemon = number_in(d / "daemon");
  ::kill(number_in(d / "guardian"), SIGKILL);
  EXPECT_EQ(pilot.wait(), 0) << pilot.log();
  EXPECT_FALSE(alive(leader));
  EXPECT_FALSE(alive(daemon));
  EXPECT_EQ(queue.job(1)["jobStatus"], "failed");
  EXPECT_THAT(pilot.log(), HasSubstr("second-job-ran"));
}

TEST(PilotWithJobQueue, NothingOfAJobOutlivesIt) {
  const JobQueue queue;
  const Directory d;
  queue.submit("setsid sleep 1000 & echo $! > " + d.path() + "/daemon; exit 0");
  Pilot pilot(queue.url());
  EXPECT_EQ(pilot.token(queue.pilot_token()).run(), 0);
  EXPECT_FALSE(alive(number_in(d / "daemon")));
  EXPECT_THAT(pilot.log(), HasSubstr("left_behind=1"));
  EXPECT_EQ(queue.job(1)["jobStatus"], "finished");
}

struct Ending {
  int signal;
  const char* name;
};
class PilotToldToEnd : public testing::TestWithParam<Ending> {};
INSTANTIATE_TEST_SUITE_P(Signals, PilotToldToEnd,
                         testing::Values(Ending{SIGTERM, "TERM"}, Ending{SIGINT, "INT"}, Ending{SIGQUIT, "QUIT"},
                                         Ending{SIGXCPU, "XCPU"}),
                         [](const auto& p) { return std::string(p.param.name); });

TEST_P(PilotToldToEnd, PassesTheSignalOnAndTellsTheServer) {
  const JobQueue queue;
  const Directory d;
  const std::string name = GetParam().name;
  queue.submit(
      "trap 'echo got-" + name + "; exit 9' " + name + "; echo > " + d.path() + "/ready; while :; do sleep 0.05; done",
      {"--attempts", "1"});
  Pilot pilot(queue.url());
  pilot.token(queue.pilot_token()).start();
  ASSERT_TRUE(eventually([&] { return exists(d / "ready"); }));
  pilot.process().signal(GetParam().signal);
  EXPECT_EQ(pilot.wait(), 128 + GetParam().signal) << pilot.log();
  EXPECT_THAT(pilot.log(), HasSubstr("got-" + name));
  EXPECT_EQ(queue.job(1)["jobStatus"], "failed");
  EXPECT_THAT(queue.job(1)["pilotErrorDiag"].get<std::string>(), HasSubstr("SIG" + name));
  EXPECT_TRUE(pilot.clean());
}

TEST(PilotWithJobQueue, ToldToEndItKillsAPayloadThatDoesNotListen) {
  const JobQueue queue;
  const Directory d;
  queue.submit("trap '' TERM; echo > " + d.path() + "/ready; while :; do sleep 0.05; done", {"--attempts", "1"});
  Pilot pilot(queue.url());
  pilot.token(queue.pilot_token()).option("grace", "200ms").start();
  ASSERT_TRUE(eventually([&] { return exists(d / "ready"); }));
  pilot.process().signal(SIGTERM);
  EXPECT_EQ(pilot.wait(), 128 + SIGTERM);
  EXPECT_EQ(queue.job(1)["transExitCode"], 128 + SIGKILL);
}

TEST(PilotWithJobQueue, UserSignalsArePassedOnAndNothingElseHappens) {
  const JobQueue queue;
  const Directory d;
  queue.submit("trap 'echo one >> " + d.path() + "/got' USR1; trap 'echo two >> " + d.path() + "/got' USR2; echo > " +
               d.path() + "/ready; until [ \"$(wc -l < " + d.path() + "/got 2>/dev/null)\" = 2 ]; do sleep 0.05; done");
  Pilot pilot(queue.url());
  pilot.token(queue.pilot_token()).start();
  ASSERT_TRUE(eventually([&] { return exists(d / "ready"); }));
  pilot.process().signal(SIGUSR1);
  ASSERT_TRUE(eventually([&] { return read_file(d / "got") == "one\n"; }));
  pilot.process().signal(SIGUSR2);
  EXPECT_EQ(pilot.wait(), 0) << pilot.log();
  EXPECT_EQ(queue.job(1)["jobStatus"], "finished");
}

TEST(PilotWithJobQueue, WallTimeIsALimit) {
  const JobQueue queue;
  queue.submit("sleep 1000", {"--walltime", "1s", "--attempts", "1"});
  Pilot pilot(queue.url());
  EXPECT_EQ(pilot.token(queue.pilot_token()).run(), 0);
  EXPECT_THAT(pilot.log(), HasSubstr("reason=wall"));
  EXPECT_THAT(queue.job(1)["pilotErrorDiag"].get<std::string>(), HasSubstr("wall time"));
}

TEST(PilotWithJobQueue, CpuTimeOfAllProcessesIsALimit) {
  const JobQueue queue;
  queue.submit("while :; do :; done & while :; do :; done", {"--cputime", "1s", "--attempts", "1"});
  Pilot pilot(queue.url());
  EXPECT_EQ(pilot.token(queue.pilot_token()).run(), 0);
  EXPECT_THAT(pilot.log(), HasSubstr("reason=cpu"));
}

TEST(PilotWithJobQueue, MemoryIsALimit) {
  const JobQueue queue;
  queue.submit("exec python3 -c 'x = bytearray(300 << 20); import time; time.sleep(1000)'",
               {"--memory", "100 MB", "--attempts", "1"});
  Pilot pilot(queue.url());
  EXPECT_EQ(pilot.token(queue.pilot_token()).run(), 0);
  EXPECT_THAT(pilot.log(), HasSubstr("reason=memory"));
  EXPECT_THAT(queue.job(1)["pilotErrorDiag"].get<std::string>(), HasSubstr("over its memory"));
}

TEST(PilotWithJobQueue, CancellingAJobKillsItsPayload) {
  const JobQueue queue("4s");
  const Directory d;
  queue.submit("echo $$ > " + d.path() + "/pid; exec sleep 1000");
  Pilot pilot(queue.url());
  pilot.token(queue.pilot_token()).start();
  const pid_t payload = number_in(d / "pid");
  queue.cancel(1);
  EXPECT_EQ(pilot.wait(), 0) << pilot.log();
  EXPECT_FALSE(alive(payload));
  EXPECT_EQ(queue.job(1)["jobStatus"], "cancelled");
}

TEST(PilotWithJobQueue, LifetimeAndMostJobsEndIt) {
  const JobQueue queue;
  queue.submit("sleep 0.3", {"--count", "20"});
  Pilot two(queue.url());
  EXPECT_EQ(two.token(queue.pilot_token()).option("maxjobs", "2").run(), 0);
  EXPECT_EQ(two.summary()["payloads"], 2);
  Pilot brief(queue.url());
  EXPECT_EQ(brief.token(queue.pilot_token()).option("lifetime", "100ms").run(), 0);
  EXPECT_EQ(brief.summary()["payloads"], 1) << "a job that runs is not cut off by the lifetime";
  EXPECT_EQ(brief.summary()["reason"], "lifetime");
}

TEST(PilotWithJobQueue, OutputIsCappedInTheLog) {
  const JobQueue queue;
  queue.submit("echo first-line; head -c 30000000 /dev/zero | tr '\\0' x; echo; echo last-line");
  Pilot pilot(queue.url());
  EXPECT_EQ(pilot.token(queue.pilot_token()).run(), 0);
  EXPECT_LT(pilot.log().size(), 11U << 20U);
  EXPECT_THAT(pilot.log(), HasSubstr(": last 10485760 of 30000022 bytes"));
  EXPECT_THAT(pilot.log(), HasSubstr("\nlast-line\n"));
}

TEST(PilotWithJobQueue, UnreadableDirectoriesOfAPayloadAreRemovedToo) {
  const JobQueue queue;
  queue.submit("mkdir -p a/b; touch a/b/c; ln -s /etc a/etc; chmod 0 a/b a");
  Pilot pilot(queue.url());
  EXPECT_EQ(pilot.token(queue.pilot_token()).run(), 0);
  EXPECT_TRUE(pilot.clean());
  EXPECT_TRUE(exists("/etc/passwd"));
}

TEST(PilotOnABadNode, WithoutCurlOrScratchItIsANodeFault) {
  Pilot no_curl("http://127.0.0.1:1");
  EXPECT_EQ(no_curl.environment("PATH", "/nonexistent").run(), 64) << no_curl.log();
  Pilot no_scratch("http://127.0.0.1:1");
  EXPECT_EQ(no_scratch.option("scratch", "/proc/nowhere").run(), 64) << no_scratch.log();
}

TEST(PilotOnABadNode, WithoutItsTokenFileItIsACredentialFault) {
  Pilot pilot("http://127.0.0.1:1");
  EXPECT_EQ(pilot.option("tokenfile", "no.token").run(), 68);
}

TEST(PilotOnABadNode, WrongOptionsAreTold) {
  Pilot pilot("http://127.0.0.1:1");
  EXPECT_EQ(pilot.option("lifetime", "two hours").run(), 2);
  EXPECT_THAT(pilot.log(), HasSubstr("--wrapperlifetime"));
  EXPECT_EQ(pilot.summary()["rc"], 2);
}

}  // namespace
}  // namespace apf::lab
