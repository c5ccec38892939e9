#include "process/supervisor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "process/fd.h"

namespace apf::process {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr seconds kLong{60};  // never reached by a test that passes

Command sh(const std::string& script) { return {.argv = {"/bin/sh", "-c", script}}; }
Limits within(Duration d) { return {.deadline = mono_now() + d}; }

// Waits for a condition that another process brings about.
template <class F>
bool eventually(F condition) {
  const Mono end = mono_now() + seconds{30};
  while (!condition()) {
    if (mono_now() > end) return false;
    std::this_thread::sleep_for(milliseconds{5});
  }
  return true;
}

bool gone(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string no;
  std::string program;
  std::string state = "Z";
  stat >> no >> program >> state;
  return state == "Z" || state == "X";
}

// Every behaviour has to hold with and without pidfd.
class Supervisor : public testing::TestWithParam<bool> {
 protected:
  static Result<Finished> run_it(const Command& command, Limits limits = within(kLong)) {
    limits.use_pidfd = GetParam();
    return run(command, limits);
  }
};
INSTANTIATE_TEST_SUITE_P(Kernels, Supervisor, testing::Bool(),
                         [](const auto& kernel) { return kernel.param ? "pidfd" : "polling"; });

TEST_P(Supervisor, TakesOutputErrorAndExitCodeApart) {
  const auto r = run_it(sh("echo out; echo err >&2; exit 7"));
  ASSERT_TRUE(r) << r.error().text();
  EXPECT_EQ(r->out, "out\n");
  EXPECT_EQ(r->err, "err\n");
  EXPECT_EQ(r->exit_code, 7);
  EXPECT_EQ(r->signal, 0);
  EXPECT_FALSE(r->timed_out);
  EXPECT_FALSE(r->truncated);
}

TEST_P(Supervisor, TellsSignals) {
  const auto r = run_it(sh("kill -SEGV $$"));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->exit_code, -1);
  EXPECT_EQ(r->signal, SIGSEGV);
}

TEST_P(Supervisor, FeedsInputLargerThanAPipe) {
  Command c{.argv = {"/usr/bin/cksum"}};
  c.input = std::string(3'000'000, 'x');
  const auto r = run_it(c);
  ASSERT_TRUE(r);
  EXPECT_THAT(r->out, HasSubstr(" 3000000"));
}

TEST_P(Supervisor, GivesBackWhatItIsFed) {
  Command c{.argv = {"/bin/cat"}};
  for (int i = 0; i < 100'000; ++i) c.input += std::to_string(i) + "\n";
  const auto r = run_it(c);
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->out == c.input);
}

TEST_P(Supervisor, SurvivesACommandThatReadsNothing) {
  Command c = sh("exec <&-; echo done");
  c.input = std::string(1'000'000, 'x');
  const auto r = run_it(c);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->out, "done\n");
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

TEST_P(Supervisor, EmptyInputIsEndOfFileAtOnce) {
  const auto r = run_it({.argv = {"/bin/cat"}});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->exit_code, 0);
}

TEST_P(Supervisor, EndsACommandThatHangs) {
  const auto r = run_it(sh("echo before; exec sleep 1000"), within(milliseconds{300}));
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->timed_out);
  EXPECT_EQ(r->signal, SIGTERM);
  EXPECT_EQ(r->out, "before\n");
}

TEST_P(Supervisor, KillsWhatIgnoresSigterm) {
  Limits limits = within(milliseconds{300});
  limits.grace = milliseconds{200};
  const auto r = run_it(sh("trap '' TERM; while :; do sleep 1; done"), limits);
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->timed_out);
  EXPECT_EQ(r->signal, SIGKILL);
}

TEST_P(Supervisor, LetsTheCommandCleanUpWithinTheGrace) {
  Limits limits = within(milliseconds{300});
  limits.grace = kLong;
  const auto r = run_it(sh("trap 'echo cleaned; exit 3' TERM; while :; do sleep 0.05; done"), limits);
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->timed_out);
  EXPECT_EQ(r->exit_code, 3);
  EXPECT_EQ(r->signal, 0);
  EXPECT_EQ(r->out, "cleaned\n");
}

TEST_P(Supervisor, KillsTheWholeGroupAtTheDeadline) {
  Limits limits = within(milliseconds{500});
  limits.grace = milliseconds{100};
  const auto r = run_it(sh("(trap '' TERM; exec sleep 1000) & echo $!; exec sleep 1000"), limits);
  ASSERT_TRUE(r);
  const pid_t grandchild = std::stoi(r->out);
  EXPECT_TRUE(eventually([&] { return gone(grandchild); }));
}

TEST_P(Supervisor, DoesNotWaitForAGrandchildThatHoldsThePipe) {
  const auto r = run_it(sh("sleep 1000 & echo $!"));
  ASSERT_TRUE(r);
  EXPECT_FALSE(r->timed_out);
  const pid_t grandchild = std::stoi(r->out);
  EXPECT_FALSE(gone(grandchild)) << "a background child of a command that ended well must live on";
  kill(grandchild, SIGKILL);
}

TEST_P(Supervisor, DoesNotFollowAGrandchildThatNeverStopsWriting) {
  const auto r = run_it(sh("yes & echo pid=$! >&2"));
  ASSERT_TRUE(r);
  EXPECT_FALSE(r->timed_out);
  kill(std::stoi(r->err.substr(4)), SIGKILL);
}

TEST_P(Supervisor, CapsOutputButLetsTheCommandFinish) {
  Command c = sh("head -c 300000000 /dev/zero; echo end >&2");
  c.output_cap = 1'000'000;
  const auto r = run_it(c);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->exit_code, 0);
  EXPECT_EQ(r->out.size(), 1'000'000U);
  EXPECT_TRUE(r->truncated);
  EXPECT_EQ(r->err, "end\n");
}

TEST_P(Supervisor, ExactlyTheCapIsNotTruncated) {
  Command c = sh("head -c 100000 /dev/zero");
  c.output_cap = 100'000;
  const auto r = run_it(c);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->out.size(), 100'000U);
  EXPECT_FALSE(r->truncated);
}

TEST_P(Supervisor, StopsWhenTold) {
  std::atomic<bool> stop{false};
  Limits limits = within(kLong);
  limits.stop = &stop;
  std::thread later([&] { stop = true; });
  const auto r = run_it(sh("exec sleep 1000"), limits);
  later.join();
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->timed_out);
}

TEST_P(Supervisor, ManyAtATimeDoNotMixUp) {
  std::vector<std::thread> threads;
  std::vector<std::string> out(64);
  for (int i = 0; i < 64; ++i)
    threads.emplace_back([i, &out] {
      Command c{.argv = {"/bin/cat"}};
      c.input = std::string(200'000, static_cast<char>('A' + i % 26)) + std::to_string(i);
      const auto r = run_it(c);
      if (r && r->out == c.input) out[static_cast<std::size_t>(i)] = "same";
    });
  for (auto& t : threads) t.join();
  EXPECT_THAT(out, testing::Each("same"));
}

TEST(SupervisorStart, NoSuchProgram) {
  const auto r = run({.argv = {"no-such-program-of-ours"}}, within(kLong));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, Kind::config);
  EXPECT_EQ(r.error().code, "process.not_found");
  EXPECT_THAT(r.error().text(), HasSubstr("no-such-program-of-ours"));
}

TEST(SupervisorStart, NotExecutableEmptyOrADirectory) {
  for (const std::vector<std::string>& argv :
       {std::vector<std::string>{"/etc/passwd"}, {"/tmp"}, {""}, {}, {"/etc/passwd/x"}}) {
    const auto r = run({.argv = argv}, within(kLong));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, "process.not_found");
  }
}

TEST(SupervisorStart, NoSuchDirectoryIsNamed) {
  const auto r = run({.argv = {"/bin/true"}, .directory = "/no/such/directory"}, within(kLong));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, "process.not_found");
  EXPECT_THAT(r.error().text(), HasSubstr("/no/such/directory"));
}

TEST(SupervisorStart, TooManyArgumentsArePermanent) {
  const auto r = run({.argv = {"/bin/true", std::string(4'000'000, 'x')}}, within(kLong));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, Kind::permanent);
  EXPECT_EQ(r.error().code, "process.spawn_failed");
}

TEST(SupervisorStart, NotAfterItsDeadline) {
  const std::string mark = testing::TempDir() + "apf-late-" + std::to_string(getpid());
  const auto r = run(sh("touch " + mark), within(seconds{-1}));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, Kind::transient);
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST(SupervisorStart, EnvironmentIsAddedToAndReplaced) {
  ::setenv("APF_TEST_OURS", "old", 1);
  ::setenv("APF_TEST_KEPT", "kept", 1);
  Command c = sh("echo $APF_TEST_OURS $APF_TEST_KEPT $APF_TEST_NEW");
  c.environment = {{"APF_TEST_OURS", "replaced"}, {"APF_TEST_NEW", "new"}};
  const auto r = run(c, within(kLong));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->out, "replaced kept new\n");
}

TEST(SupervisorStart, RunsInTheDirectory) {
  const auto r = run({.argv = {"pwd"}, .directory = "/usr"}, within(kLong));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->out, "/usr\n");
}

TEST(SupervisorStart, ChildHasItsOwnGroupAndOnlyTheDescriptorsGiven) {
  const Fd kept(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  const Fd hidden(::open("/etc/group", O_RDONLY | O_CLOEXEC));
  Command c = sh("ls -l /proc/self/fd; cut -d' ' -f1,5 /proc/$$/stat");
  c.inherit = {kept.get()};
  const auto r = run(c, within(kLong));
  ASSERT_TRUE(r);
  EXPECT_THAT(r->out, HasSubstr(" " + std::to_string(kept.get()) + " -> /etc/passwd"));
  EXPECT_THAT(r->out, testing::Not(HasSubstr("/etc/group")));
  const std::string last = r->out.substr(r->out.rfind('\n', r->out.size() - 2) + 1);
  const std::size_t blank = last.find(' ');
  EXPECT_EQ(last.substr(0, blank) + "\n", last.substr(blank + 1)) << "pid and process group differ";
}

TEST(SupervisorStart, SignalMaskAndDispositionsAreReset) {
  sigset_t usr1;
  sigset_t old;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &usr1, &old);
  auto* const was = std::signal(SIGHUP, SIG_IGN);
  // of grep itself: a shell blocks signals for a moment while it waits for its child
  const auto r = run(sh("exec grep -E 'SigBlk|SigIgn' /proc/self/status"), within(kLong));
  (void)std::signal(SIGHUP, was);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  ASSERT_TRUE(r);
  EXPECT_THAT(r->out, StartsWith("SigBlk:\t0000000000000000\n"));
  // Signals above 31 are left out: the C library keeps 32 and 33 to itself and lets nobody set them.
  const auto ignored = std::stoull(r->out.substr(r->out.rfind('\t') + 1), nullptr, 16);
  EXPECT_EQ(ignored & 0x7fffffffU, 0U);
}

// In a process of its own: a program whose standard descriptors are closed gets 0..2 for its pipes.
TEST(SupervisorStart, WorksWithClosedStandardDescriptors) {
  const pid_t pid = fork();
  if (pid == 0) {
    ::close(0);
    ::close(1);
    ::close(2);
    Command c{.argv = {"/bin/cat"}};
    c.input = "hello";
    const auto r = run(c, within(kLong));
    _exit(r && r->out == "hello" ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

TEST(SupervisorStart, LeavesNoDescriptorsBehind) {
  const auto count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator{});
  };
  const auto before = count();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(run({.argv = {"/bin/true"}, .input = "x"}, within(kLong)));
    ASSERT_FALSE(run({.argv = {"/no/such/program"}, .input = "x"}, within(kLong)));
  }
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace apf::process
