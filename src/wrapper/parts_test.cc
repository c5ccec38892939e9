// The pure parts: lease arithmetic, curl's configuration and output, /proc, the guardian's protocol, verdicts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "wrapper/http.h"
#include "wrapper/jobs/lease.h"
#include "wrapper/jobs/verdict.h"
#include "wrapper/payload/guard_protocol.h"
#include "wrapper/payload/guardian.h"
#include "wrapper/payload/process_tree.h"
#include "wrapper/payload/scratch.h"
#include "wrapper/secrets.h"

namespace apf::wrapper {
namespace {

using testing::HasSubstr;

// R12: whenever the server's answer comes, the payload is dead before the server may think of the next attempt.
TEST(Lease, PayloadIsDeadBeforeTheServersDeadline) {
  const Mono left{1'000'000'000'000};
  for (const Duration lease : {Duration(seconds{1}), Duration(seconds{20}), Duration(seconds{7200})})
    for (const Duration on_the_way : {Duration::zero(), Duration(milliseconds{900})}) {
      const Mono servers_deadline = left + on_the_way + lease;
      EXPECT_LT(dead_by(left, lease), servers_deadline);
      EXPECT_LE(dead_by(left, lease), left + lease - lease_margin(lease));
    }
}

TEST(Lease, RenewalsFitManyTimesIntoALease) {
  EXPECT_EQ(renew_after(seconds{7200}), seconds{300});
  for (const int s : {2, 10, 60, 600, 7200, 86400}) {
    const Duration lease = seconds{s};
    EXPECT_LE(renew_after(lease) + retry_after(lease), lease - lease_margin(lease)) << s;
    EXPECT_GT(retry_after(lease), Duration::zero());
  }
}

TEST(Curl, SecretsAndBodyAreQuoted) {
  Exchange e{.url = "http://h/x", .token = "tok", .content_type = "application/json", .body = "{\"a\":\"b\\\\c\"}\n\t"};
  e.timeout = milliseconds{1500};
  const std::string config = curl_config(e);
  EXPECT_THAT(config, HasSubstr("url = \"http://h/x\"\n"));
  EXPECT_THAT(config, HasSubstr("header = \"Authorization: Bearer tok\"\n"));
  EXPECT_THAT(config, HasSubstr("data-binary = \"{\\\"a\\\":\\\"b\\\\\\\\c\\\"}\\n\\t\"\n"));
  EXPECT_THAT(config, HasSubstr("max-time = 2\n"));
}

TEST(Curl, NothingCanBreakOutOfItsLine) {
  const Exchange e{.url = "http://h/\"\noutput = \"/etc/passwd", .content_type = "a\r\nb"};
  std::istringstream lines(curl_config(e));
  for (std::string line; std::getline(lines, line);) EXPECT_FALSE(line.starts_with("output")) << line;
}

TEST(Curl, OutputIsBodyAndStatus) {
  Finished f;
  f.exit_code = 0;
  f.out = "line one\nline two\n200";
  const auto a = read_curl(f);
  ASSERT_TRUE(a);
  EXPECT_EQ(a->status, 200);
  EXPECT_EQ(a->body, "line one\nline two");
  for (const char* bad : {"", "200", "\n", "\nabc", "\n000", "\n200x"}) {
    f.out = bad;
    EXPECT_FALSE(read_curl(f)) << bad;
  }
}

TEST(Curl, TellsWhetherARequestMayHaveArrived) {
  Finished f;
  f.err = "curl: (7) Failed to connect\n";
  f.exit_code = 7;
  EXPECT_EQ(read_curl(f).error().kind, Kind::transient);
  EXPECT_EQ(read_curl(f).error().what, "curl: (7) Failed to connect");
  for (const int code : {28, 52, 56, -1, 127}) {
    f.exit_code = code;
    EXPECT_EQ(read_curl(f).error().kind, Kind::uncertain) << code;
  }
  f.exit_code = 7;
  f.timed_out = true;
  EXPECT_EQ(read_curl(f).error().kind, Kind::uncertain);
}

TEST(ProcessTree, ReadsALineOfProc) {
  const auto s = parse_stat(
      "42 (a ) (b) S 7 42 42 0 -1 4194560 1 0 0 0 150 50 20 30 20 0 1 0 100 1000000 256 18446744073709551615 1");
  ASSERT_TRUE(s);
  EXPECT_EQ(s->pid, 42);
  EXPECT_EQ(s->parent, 7);
  EXPECT_EQ(s->state, 'S');
  EXPECT_EQ(s->session, 42);
  EXPECT_EQ(s->name, "a ) (b");
  EXPECT_EQ(s->cpu, milliseconds{2500} * 100 / ::sysconf(_SC_CLK_TCK));
  EXPECT_EQ(s->rss_kb, 256 * ::sysconf(_SC_PAGESIZE) / 1024);
}

TEST(ProcessTree, RefusesWhatIsNotOne) {
  for (const char* bad : {"", "42", "42 (x)", "42 (x) S", ") (", "x (y) S 1 2", "42 (x) S 1 2 3 4 5 6 7 8 9 a b c d"})
    EXPECT_FALSE(parse_stat(bad)) << bad;
}

TEST(ProcessTree, FindsChildrenOfChildrenAndSweepsThem) {
  const pid_t child = fork();
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", "sh -c 'sleep 1000; :' & sleep 1000; :", nullptr);
    ::_exit(127);
  }
  std::vector<ProcessStat> below;
  for (int i = 0; i < 1000 && below.size() < 4; ++i) {
    ::usleep(5000);
    below = descendants(::getpid());
  }
  EXPECT_EQ(below.size(), 4U);
  EXPECT_GT(fair_memory_kb(below).value_or(1), 0);
  ::kill(child, SIGKILL);
  for (const ProcessStat& p : below) ::kill(p.pid, SIGKILL);
  EXPECT_TRUE(sweep_children(seconds{30}));
  EXPECT_TRUE(descendants(::getpid()).empty());
}

TEST(GuardProtocol, OrdersAndEventsComeBack) {
  const auto order = read_order("lease 123456789012345");
  ASSERT_TRUE(order);
  EXPECT_EQ(order->verb, Order::Verb::lease);
  EXPECT_EQ(write_order(*order), "lease 123456789012345\n");
  GuardEvent event{.what = GuardEvent::What::ended};
  event.outcome = {.reason = Reason::memory, .exit_code = -1, .signal = 9, .wall = seconds{3}, .cpu = seconds{2}};
  event.outcome.rss_kb = 77;
  event.outcome.left = 2;
  event.outcome.oom = 1;
  const auto back = read_event(write_event(event));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->outcome.reason, Reason::memory);
  EXPECT_EQ(back->outcome.signal, 9);
  EXPECT_EQ(back->outcome.cpu, seconds{2});
  EXPECT_EQ(back->outcome.left, 2);
  EXPECT_EQ(back->outcome.oom, 1);
  const auto left = read_event(write_event({.what = GuardEvent::What::left, .number = 7, .session = 8, .name = "a b"}));
  ASSERT_TRUE(left);
  EXPECT_EQ(left->session, 8);
  EXPECT_EQ(left->name, "a_b");
  for (const char* bad : {"", "lease", "lease x", "jump 1"}) EXPECT_FALSE(read_order(bad)) << bad;
  for (const char* bad : {"", "started", "ended exited 0", "ended jumped 0 0 0 0 0 0 0", "left 1 2"})
    EXPECT_FALSE(read_event(bad)) << bad;
}

TEST(GuardProtocol, LinesWaitForTheirEnd) {
  Lines lines;
  lines.add("one\ntw");
  EXPECT_EQ(lines.next(), "one");
  EXPECT_EQ(lines.next(), std::nullopt);
  lines.add("o\n");
  EXPECT_EQ(lines.next(), "two");
}

TEST(GuardArguments, ComeBack) {
  GuardSettings s{.directory = "/d", .out = "/o", .err = "/e", .scratch = "", .wall = seconds{1}, .cpu = seconds{2}};
  s.memory_kb = 3;
  s.dead_by = Mono{4};
  s.grace = seconds{5};
  s.disk = {.most_output = 6, .most_scratch = 7, .least_free = 8, .stuck = seconds{9}, .heartbeat = "/h"};
  s.argv = {"prog", "--guard", ""};
  const auto back = read_guard_arguments(guard_arguments(s));
  ASSERT_TRUE(back);
  EXPECT_EQ(guard_arguments(*back), guard_arguments(s));
  EXPECT_EQ(back->argv, s.argv);
  EXPECT_FALSE(read_guard_arguments(std::vector<std::string>{kGuardOption, "a"}));
}

struct VerdictCase {
  Outcome outcome;
  int told_by;
  const char* status;
  std::int64_t code;
  std::int64_t exit_code;
};
class Verdict : public testing::TestWithParam<VerdictCase> {};
INSTANTIATE_TEST_SUITE_P(
    Cases, Verdict,
    testing::Values(VerdictCase{{.reason = Reason::exited, .exit_code = 0}, 0, "finished", 0, 0},
                    VerdictCase{{.reason = Reason::exited, .exit_code = 5}, 0, "failed", 1305, 5},
                    VerdictCase{{.reason = Reason::exited, .signal = SIGSEGV}, 0, "failed", 1305, 139},
                    VerdictCase{
                        {.reason = Reason::exited, .exit_code = 127, .start_error = ENOENT}, 0, "failed", 1346, 127},
                    VerdictCase{{.reason = Reason::told, .exit_code = 0}, SIGTERM, "failed", 1201, 0},
                    VerdictCase{{.reason = Reason::told, .signal = SIGKILL}, SIGXCPU, "failed", 1204, 137},
                    VerdictCase{{.reason = Reason::told, .signal = SIGTERM}, 0, "failed", 1144, 143},
                    VerdictCase{{.reason = Reason::wall, .signal = SIGTERM}, 0, "failed", 1213, 143},
                    VerdictCase{{.reason = Reason::memory, .signal = SIGKILL}, 0, "failed", 1235, 137},
                    VerdictCase{{.reason = Reason::lease, .signal = SIGKILL}, 0, "failed", 1375, 137},
                    VerdictCase{{.reason = Reason::exited, .signal = SIGKILL, .oom = 1}, 0, "failed", 1212, 137},
                    VerdictCase{{.reason = Reason::output, .signal = SIGKILL}, 0, "failed", 1106, 137},
                    VerdictCase{{.reason = Reason::disk, .signal = SIGKILL}, 0, "failed", 1098, 137},
                    VerdictCase{{.reason = Reason::scratch, .signal = SIGKILL}, 0, "failed", 1104, 137},
                    VerdictCase{{.reason = Reason::stuck, .signal = SIGTERM}, 0, "failed", 1150, 143},
                    VerdictCase{{.reason = Reason::guardian}, 0, "failed", 1319, -1}));

TEST_P(Verdict, IsWhatPandaCallsIt) {
  protocol::panda::Job job;
  job.id = 7;
  job.attempt = 2;
  job.attempt_key = "key";
  const auto u = last_update(job, GetParam().outcome, GetParam().told_by, "tobekilled");
  EXPECT_EQ(u.id, 7);
  EXPECT_EQ(u.attempt, 2);
  EXPECT_EQ(u.attempt_key, "key");
  EXPECT_EQ(u.status, GetParam().status);
  EXPECT_EQ(u.error_code.value_or(0), GetParam().code);
  EXPECT_EQ(u.exit_code, GetParam().exit_code);
  EXPECT_EQ(u.error_text.empty(), u.status == "finished");
}

class Secrets : public testing::Test {
 protected:
  void SetUp() override {
    before_ = std::filesystem::current_path();
    directory_ = testing::TempDir() + "apf-secrets-XXXXXX";
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
    std::filesystem::create_directory(directory_ + "/cwd");
    std::filesystem::current_path(directory_ + "/cwd");
  }
  void TearDown() override {
    std::filesystem::current_path(before_);
    EXPECT_TRUE(remove_tree(directory_));
  }
  std::string directory_;
  std::filesystem::path before_;
};

TEST_F(Secrets, AreTakenFromTheWorkingDirectoryAndLeftElsewhere) {
  std::ofstream("own") << " secret \n";
  std::ofstream("../other") << "other\n";
  EXPECT_EQ(take_secret("own").value_or("?"), "secret");
  EXPECT_FALSE(std::filesystem::exists("own"));
  std::ofstream("own") << "again";
  EXPECT_EQ(take_secret(std::filesystem::current_path() / "own").value_or("?"), "again");
  EXPECT_FALSE(std::filesystem::exists("own"));
  EXPECT_EQ(take_secret("../other").value_or("?"), "other");
  EXPECT_TRUE(std::filesystem::exists("../other"));
}

TEST_F(Secrets, ThatCannotBeOneAreRefused) {
  EXPECT_EQ(take_secret("none").error().code, "wrapper.no_credential");
  for (const char* text : {"", "\n \n", "two\nlines", "bell\a"}) {
    std::ofstream("file") << text;
    EXPECT_FALSE(take_secret("file")) << text;
  }
}

TEST_F(Secrets, LeaveTheEnvironment) {
  ::setenv("APF_REPORT_KEY_FILE", "x", 1);
  ::setenv("BEARER_TOKEN_FILE", "y", 1);
  scrub_environment(true);
  EXPECT_STREQ(std::getenv("BEARER_TOKEN_FILE"), "y");
  scrub_environment(false);
  EXPECT_EQ(std::getenv("BEARER_TOKEN_FILE"), nullptr);
  EXPECT_EQ(std::getenv("APF_REPORT_KEY_FILE"), nullptr);
}

TEST_F(Secrets, ScratchGoesWithItsOwner) {
  std::string path;
  {
    const auto scratch = Scratch::make(".");
    ASSERT_TRUE(scratch);
    path = scratch->path();
    EXPECT_TRUE(path.starts_with("/"));
    const auto job = scratch->job_directory("job-1");
    ASSERT_TRUE(job);
    std::ofstream(*job + "/file") << "x";
    EXPECT_FALSE(scratch->job_directory("job-1")) << "two attempts never share a directory";
    EXPECT_GT(scratch->free_mb(), 0);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(Scratch::make("/no/such/place").error().code, "wrapper.no_scratch");
}

}  // namespace
}  // namespace apf::wrapper
