// What batch/local does when nothing is killed; faults_test.cc has the rest.
#include <fcntl.h>
#include <fmt/format.h>

#include <cstdlib>

#include "apf/registry.h"
#include "keeper/keep.h"
#include "support/local_batch.h"

namespace apf::local {
namespace {

TEST_F(Local, RunsPilotsWithTheirFilesAndTellsTheirEnd) {
  std::ofstream(root / "my token") << "T";
  queue.input_files = {file("my token")};
  queue.environment["COLOUR"] = "a b\n\"c\"";
  const auto ids = submit("s-1", 3,
                          "printf %s \"$COLOUR\"; cat 'my token' apf-report.key; stat -c %a apf-report.key 'my token';"
                          "pwd; echo oops $APFCID $APF_INDEX >&2; exit $APF_INDEX");
  ASSERT_TRUE(ids) << ids.error().text();
  EXPECT_EQ(*ids, (std::vector<std::string>{"s-1.0", "s-1.1", "s-1.2"}));
  ASSERT_TRUE(until_ended(3));
  for (std::uint32_t i = 0; i < 3; ++i) {
    const PilotSeen& p = seen_ended[fmt::format("s-1.{}", i)];
    EXPECT_EQ(p.state, PilotState::done);
    EXPECT_EQ(p.exit_code, static_cast<int>(i));
    EXPECT_EQ(p.index, i);
    EXPECT_EQ(p.run, 3U);
    EXPECT_EQ(p.queue, "A/q");
    EXPECT_EQ(p.submission, "s-1");
    EXPECT_EQ(p.node, host_name());
    EXPECT_GE(p.wall_s, 0);
    EXPECT_GE(p.cpu_s, 0);
    EXPECT_GT(p.started.ms, 0);
    EXPECT_GE(p.ended.ms, p.started.ms);
    EXPECT_GE(p.started.ms, p.submitted.ms);
  }
  const std::string scratch = file("state/local/scratch/s-1.2");
  EXPECT_EQ(read_file(log_file("s-1.2", "out")).value_or(""), "a b\n\"c\"Tsecret of s-1600\n600\n" + scratch + "\n");
  EXPECT_EQ(read_file(log_file("s-1.2", "err")).value_or(""), "oops s-1.2 2\n");
  EXPECT_NE(read_file(log_file("s-1.2", "log")).value_or("").find("exit code 2"), std::string::npos);
  EXPECT_TRUE(until([&] { return !fs::exists(scratch); })) << "removed once the end is on record";
  EXPECT_TRUE(until([&] { return live().empty(); }));
}

TEST_F(Local, KeepersServeTheQueueWithoutAFactory) {
  queue.environment["RAN"] = file("ran");
  ASSERT_TRUE(submit("s-1", 7, "echo >> \"$RAN\""));
  batch.reset();  // the factory is down; two slots have work for seven
  EXPECT_TRUE(until([&] { return lines("ran") == 7 && keepers() == 0; }));
  restart();
  poll();
  EXPECT_EQ(seen_ended.size(), 7U);
  EXPECT_EQ(lines("ran"), 7U);
}

TEST_F(Local, NeverRunsMoreThanItsSlotsAndFirstComeFirstServed) {
  queue.environment["GO"] = file("go");
  const std::string wait = "while [ ! -e \"$GO\" ]; do sleep 0.01; done";
  ASSERT_TRUE(submit("s-1", 2, wait));
  ASSERT_TRUE(submit("s-2", 3, wait));
  ASSERT_TRUE(until_polled([&](const auto& v) { return running(v) == 2; }));
  const auto view = poll();
  ASSERT_EQ(view.data.live.size(), 5U);
  for (const auto& p : view.data.live) EXPECT_EQ(p.state == PilotState::running, p.submission == "s-1") << p.batch_id;
  EXPECT_EQ(keepers(), 2);
  std::ofstream(root / "go").put('1');
  EXPECT_TRUE(until_ended(5));
}

TEST_F(Local, MoreSlotsAreUsedAtOnceFewerAfterThePilotsInThem) {
  queue.environment["GO"] = file("go");
  ASSERT_TRUE(submit("s-1", 5, "while [ ! -e \"$GO.$APF_INDEX\" ]; do sleep 0.01; done"));
  settings.slots = 4;
  restart();
  ASSERT_TRUE(until_polled([&](const auto& v) { return running(v) == 4; }));
  settings.slots = 1;
  restart();
  EXPECT_EQ(running(poll()), 4U);
  for (const char* i : {"go.0", "go.1", "go.2", "go.3"}) std::ofstream(root / i).put('1');
  ASSERT_TRUE(until_ended(4));
  EXPECT_TRUE(until_polled([&](const auto& v) { return running(v) == 1 && keepers() == 1; }));
  std::ofstream(root / "go.4").put('1');
  EXPECT_TRUE(until_ended(5));
}

TEST_F(Local, APilotInheritsNothingOfTheFactory) {
  ASSERT_EQ(::setenv("APF_TEST_SECRET", "s3cret", 1), 0);
  const Fd lock(::open(file("lock").c_str(), O_RDWR | O_CREAT, 0600));  // not even one that was left open at exec
  queue.environment["GO"] = file("go");
  ASSERT_TRUE(submit("s-1", 1, "env; ls -l /proc/$$/fd; while [ ! -e \"$GO\" ]; do sleep 0.01; done"));
  ASSERT_TRUE(until([&] { return taken_of("s-1", 0).pilot.start != 0; }));
  const Taken taken = taken_of("s-1", 0);
  for (const auto& fd : fs::directory_iterator("/proc/" + std::to_string(taken.keeper.pid) + "/fd")) {
    std::error_code closed;  // the keeper opens and closes files meanwhile; one that it inherited would stay
    EXPECT_NE(fs::read_symlink(fd.path(), closed).string(), file("lock"));
  }
  EXPECT_TRUE(until([&] { return ::getsid(taken.pilot.pid) == taken.pilot.pid; })) << "a session of its own";
  EXPECT_NE(::getsid(taken.keeper.pid), ::getsid(0));
  std::ofstream(root / "go").put('1');
  ASSERT_TRUE(until_ended(1));
  const auto out = read_file(log_file("s-1.0", "out")).value_or("");
  EXPECT_EQ(out.find("s3cret"), std::string::npos);
  EXPECT_EQ(out.find("secret of"), std::string::npos) << "the report key never goes by environment";
  EXPECT_NE(out.find("PATH="), std::string::npos);
  EXPECT_EQ(out.find("lock"), std::string::npos);
  EXPECT_EQ(out.find("slot/"), std::string::npos);
  ::unsetenv("APF_TEST_SECRET");
}

TEST_F(Local, WhatAPilotLeavesBehindEndsWithIt) {
  queue.environment["PIDS"] = file("pids");
  ASSERT_TRUE(submit("s-1", 1,
                     "sleep 300 & echo $! > \"$PIDS\"; setsid sleep 300 & echo $! >> \"$PIDS\"; mkdir a; "
                     "touch a/b; chmod 500 a; ln -s \"$PIDS\" link"));
  ASSERT_TRUE(until_ended(1));
  EXPECT_EQ(seen_ended["s-1.0"].exit_code, 0);
  std::ifstream pids(root / "pids");
  int n = 0;
  for (pid_t pid = 0; pids >> pid; ++n) EXPECT_EQ(look_up(pid).start, 0);
  EXPECT_EQ(n, 2) << "and the link's target is still there";
  EXPECT_TRUE(until([&] { return keepers() == 0; }));
  EXPECT_FALSE(fs::exists(root / "state/local/scratch/s-1.0"));
}

TEST_F(Local, WhatCannotRunFailsWithTheReasonAndTheNextOneRuns) {
  std::ofstream(root / "not a program") << "\x7f"
                                           "ELF nonsense";
  fs::permissions(root / "not a program", fs::perms::owner_all);
  queue.executable = file("not a program");
  SubmitOrder order;
  order.queue = &queue;
  order.me = &me;
  order.submission = "bad";
  order.n = 1;
  order.when = wall_now();
  ASSERT_TRUE(batch->submit(order, context));
  ASSERT_TRUE(submit("good", 1, "true"));
  ASSERT_TRUE(until_ended(2));
  EXPECT_EQ(seen_ended["bad.0"].state, PilotState::failed);
  EXPECT_NE(seen_ended["bad.0"].reason.find("cannot run"), std::string::npos) << seen_ended["bad.0"].reason;
  EXPECT_EQ(seen_ended["good.0"].state, PilotState::done);
}

TEST_F(Local, ASignalIsAFailureAndNamed) {
  ASSERT_TRUE(submit("s-1", 1, "kill -SEGV $$"));
  ASSERT_TRUE(until_ended(1));
  EXPECT_EQ(seen_ended["s-1.0"].state, PilotState::failed);
  EXPECT_EQ(seen_ended["s-1.0"].exit_code, -1);
  EXPECT_NE(seen_ended["s-1.0"].reason.find("signal 11"), std::string::npos);
}

TEST_F(Local, RemovalIsConditionalOnStateAndSubmission) {
  settings.slots = 1;
  restart();
  const std::string polite = "trap 'exit 3' TERM; touch \"$APFCID up\"; while :; do sleep 0.01; done";
  ASSERT_TRUE(submit("s-1", 2, polite));
  ASSERT_TRUE(until_polled([&](const auto& v) { return running(v) == 1; }));
  ASSERT_TRUE(until([&] { return fs::exists(root / "state/local/scratch/s-1.0/s-1.0 up"); }));
  EXPECT_EQ(remove("s-1.0", {PilotState::pending}), 0) << "it has just started";
  EXPECT_EQ(remove("s-1.1", {PilotState::running}), 0) << "it still waits";
  const std::vector<Batch::Removal> foreign{{"s-1.1", "s-2"}, {"s-1.9", "s-1"}, {"s-1.", "s-1"}, {"s-1", "s-1"}};
  const std::vector<PilotState> any{PilotState::pending, PilotState::running};
  EXPECT_EQ(batch->remove(foreign, any, "no", context).value_or(-1), 0);
  EXPECT_EQ(remove("s-1.1", {PilotState::pending}), 1);
  EXPECT_EQ(remove("s-1.1"), 0) << "twice";
  EXPECT_EQ(remove("s-1.0", {PilotState::running}), 1);
  ASSERT_TRUE(until_ended(2));
  for (const char* id : {"s-1.0", "s-1.1"}) {
    EXPECT_EQ(seen_ended[id].state, PilotState::removed);
    EXPECT_EQ(seen_ended[id].reason, "retired by the test");
  }
  EXPECT_EQ(seen_ended["s-1.0"].exit_code, 3);
  EXPECT_EQ(seen_ended["s-1.1"].started.ms, 0);
  EXPECT_EQ(remove("s-1.0"), 0) << "it is over";
}

TEST_F(Local, AStubbornPilotIsKilledAfterTheGrace) {
  ASSERT_TRUE(submit("s-1", 1, "trap '' TERM; touch up; while :; do sleep 0.01; done"));
  ASSERT_TRUE(until([&] { return fs::exists(root / "state/local/scratch/s-1.0/up"); }));
  poll();
  EXPECT_EQ(remove("s-1.0"), 1);
  ASSERT_TRUE(until_ended(1));
  EXPECT_EQ(seen_ended["s-1.0"].state, PilotState::removed);
  EXPECT_GE(seen_ended["s-1.0"].wall_s, 0.25) << "not before the grace was over";
}

TEST_F(Local, OldPilotsLeaveThePollAndAreStillFound) {
  ASSERT_TRUE(submit("s-1", 3, "exit $APF_INDEX"));
  ASSERT_TRUE(submit("s-2", 1, "true"));
  ASSERT_TRUE(until_ended(4));
  EXPECT_TRUE(fs::is_empty(root / "state/local/live"));
  EXPECT_TRUE(fs::is_empty(root / "state/local/trash"));
  const auto view = poll();
  EXPECT_TRUE(view.complete);
  EXPECT_TRUE(view.data.ended.empty()) << "the cursor is past them";
  for (const auto& [id, times] : told) EXPECT_EQ(times, 1) << id;
  const auto rows = find("s-1");
  ASSERT_EQ(rows.size(), 3U);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(rows[i].exit_code, static_cast<int>(i));
  EXPECT_TRUE(find("s-3").empty());
  cursor = "";  // a factory that lost its ledger
  restart();
  EXPECT_EQ(poll().data.ended.size(), 4U);
}

TEST_F(Local, OneFactoryDoesNotSeeAnothersPilots) {
  settings.slots = 0;
  settings.directory = file("shared");
  restart();
  ASSERT_TRUE(submit("s-1", 1, "true"));
  EXPECT_EQ(live().size(), 1U);
  me.factory_id = "other";
  EXPECT_TRUE(live().empty());
  EXPECT_TRUE(find("s-1").empty());
  me.factory_id = "test";
  ASSERT_EQ(find("s-1").size(), 1U);
  EXPECT_FALSE(live().front().foreign);
  me.instance = "another";  // of this factory: a copy of its state directory
  EXPECT_TRUE(live().front().foreign);
}

TEST_F(Local, WhatIsWrongIsSaidBeforeAnythingExists) {
  const auto refused = [&](const char* code, Kind kind) {
    const auto ids = submit("s-1", 2, "true");
    ASSERT_FALSE(ids) << code;
    EXPECT_EQ(ids.error().code, code);
    EXPECT_EQ(ids.error().kind, kind) << code;
    EXPECT_TRUE(live().empty()) << code;
    EXPECT_TRUE(find("s-1").empty()) << code;
  };
  queue.input_files = {file("missing")};
  refused("local.input_file", Kind::permanent);
  std::ofstream(root / "apf-report.key") << "mine";
  queue.input_files = {file("apf-report.key")};  // would replace the real one
  refused("local.input_file", Kind::permanent);
  queue.input_files.clear();
  settings.keeper = file("no keeper");
  restart();
  refused("local.no_keeper", Kind::permanent);
  settings.keeper = std::string(APF_BIN_DIR) + "/apf-keeper";
  restart();
  EXPECT_EQ(submit("../x", 1, "true").error().code, "local.bad_id");
  EXPECT_EQ(submit("", 1, "true").error().code, "local.bad_id");
  const auto none = submit("s-1", 0, "true");
  EXPECT_TRUE(none && none->empty());
}

TEST_F(Local, TheSameSubmissionTwiceIsSettledByLookingItUp) {
  settings.slots = 0;
  restart();
  ASSERT_TRUE(submit("s-1", 2, "true"));
  const auto again = submit("s-1", 2, "true");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, Kind::uncertain);
  EXPECT_EQ(find("s-1").size(), 2U);
  EXPECT_EQ(live().size(), 2U);
}

TEST(LocalOptions, MakeAPlugin) {
  Registry registry;
  register_all(registry);
  const auto* plugin = find(registry.batch, "local");
  ASSERT_NE(plugin, nullptr);
  Options options;
  options.set("grace", Duration{seconds{1}});
  options.set("keep_ended", Duration{seconds{7200}});
  options.set("nice", std::int64_t{0});
  EXPECT_TRUE(plugin->make(options));
}

}  // namespace
}  // namespace apf::local
