// batch/local when things are killed, disks refuse and pids lie. A process is killed at each of its steps in turn, by
// the hook in keeper/files.h; afterwards no pilot may have run twice and none that was ordered may be gone.
#include <fmt/format.h>
#include <sys/resource.h>

#include <random>

#include "keeper/keep.h"
#include "support/local_batch.h"

namespace apf::local {
namespace {

int g_steps_left = 0;
void die_at_last_step(const char* /*step*/) {
  if (g_steps_left-- == 0) ::kill(::getpid(), SIGKILL);
}

// Runs `act` in a process that dies before its step number `at`. True: it died there; false: it came to its end.
bool killed_at(int at, const std::function<void()>& act) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    g_steps_left = at;
    set_step_hook(die_at_last_step);
    act();
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

class Faults : public Local {
 protected:
  void SetUp() override {
    Local::SetUp();
    queue.environment["RAN"] = file("ran");
  }
  static constexpr const char* kCount = "echo $APFCID >> \"$RAN\"";

  // How often each pilot ran.
  [[nodiscard]] std::map<std::string, int> runs() const {
    std::map<std::string, int> counts;
    std::ifstream in(root / "ran");
    for (std::string id; in >> id;) ++counts[id];
    return counts;
  }
  void expect_nobody_ran_twice() const {
    for (const auto& [id, n] : runs()) EXPECT_EQ(n, 1) << id;
  }
};

TEST_F(Faults, ASubmitKilledAtAnyStepLeavesAllPilotsOrNone) {
  std::size_t ordered = 0;
  int at = 0;
  for (bool killed = true; killed; ++at) {
    const std::string id = fmt::format("s-{}", at);
    killed = killed_at(at, [&] { (void)submit(id, 3, kCount); });
    restart();
    const auto rows = find(id);
    EXPECT_TRUE(rows.empty() || rows.size() == 3) << "killed at step " << at;
    if (!rows.empty()) ordered += 3;
    EXPECT_TRUE(killed || rows.size() == 3);
  }
  EXPECT_GT(at, 8) << "the hook was hardly called";
  EXPECT_GE(ordered, 6U) << "none was killed after the order stood";
  ASSERT_TRUE(until_ended(ordered));
  EXPECT_EQ(runs().size(), ordered);
  expect_nobody_ran_twice();
  EXPECT_TRUE(fs::is_empty(root / "state/local/tmp"));
}

TEST_F(Faults, APollKilledAtAnyStepLosesNoEnd) {
  int at = 0;
  for (bool killed = true; killed; ++at) {
    const std::string id = fmt::format("s-{}", at);
    settings.slots = 2;
    restart();
    ASSERT_TRUE(submit(id, 2, kCount));
    ASSERT_TRUE(until([&] { return lines("ran") == 2U * (at + 1U) && keepers() == 0; }));
    killed = killed_at(at, [&] { (void)batch->poll(me, cursor, context); });
    restart();
    poll();
    EXPECT_EQ(told[id + ".0"] > 0 && told[id + ".1"] > 0, true) << "killed at step " << at;
  }
  EXPECT_GT(at, 6);
  restart();
  EXPECT_TRUE(live().empty());
  EXPECT_TRUE(fs::is_empty(root / "state/local/live"));
  expect_nobody_ran_twice();
}

TEST_F(Faults, ARemovalKilledAtAnyStepIsDoneOrNot) {
  int at = 0;
  for (bool killed = true; killed; ++at) {
    const std::string id = fmt::format("s-{}", at);
    settings.slots = 0;
    restart();
    ASSERT_TRUE(submit(id, 1, kCount));
    poll();
    killed = killed_at(at, [&] { remove(id + ".0"); });
    settings.slots = 2;
    restart();
    ASSERT_TRUE(until_ended(static_cast<std::size_t>(at) + 1));
    const auto state = seen_ended[id + ".0"].state;
    EXPECT_EQ(state == PilotState::removed, !runs().contains(id + ".0")) << "killed at step " << at;
    EXPECT_TRUE(killed || state == PilotState::removed);
  }
  EXPECT_GT(at, 3);
  expect_nobody_ran_twice();
}

TEST_F(Faults, ARunningPilotsRemovalIsCarriedOutByTheNextPoll) {
  ASSERT_TRUE(submit("s-1", 1, "while :; do sleep 0.01; done"));
  ASSERT_TRUE(until_polled([&](const auto& v) { return running(v) == 1; }));
  for (int at = 0; killed_at(at, [&] { remove("s-1.0"); }); ++at) ASSERT_LT(at, 100);
  ASSERT_TRUE(until_ended(1));
  EXPECT_EQ(seen_ended["s-1.0"].state, PilotState::removed);
}

// The keeper's own code, in a process that dies at each of its steps.
TEST_F(Faults, AKeeperKilledAtAnyStepNeverLetsAPilotRunTwice) {
  const Spool spool((root / "state/local").string());
  int not_taken = 0;
  int lost = 0;
  int at = 0;
  for (bool killed = true; killed; ++at) {
    const std::string id = fmt::format("s-{}", at);
    settings.slots = 0;  // only our keeper may take it
    restart();
    ASSERT_TRUE(submit(id, 1, kCount));
    const auto orders = *spool.orders();
    const auto order = *spool.read_order(orders.back());
    killed = killed_at(at, [&] {
      const sigset_t signals = keeper_signals();
      ::sigprocmask(SIG_SETMASK, &signals, nullptr);
      (void)keep_pilot(spool, orders.back(), order, 0);
    });
    if (taken_of(id, 0).pilot.pid == 0) ++not_taken;
    settings.slots = 2;
    restart();
    ASSERT_TRUE(until_ended(static_cast<std::size_t>(at) + 1)) << "killed at step " << at;
    const PilotSeen& p = seen_ended[id + ".0"];
    if (p.state == PilotState::done) {
      EXPECT_EQ(runs()[id + ".0"], 1) << "killed at step " << at;
    } else {
      EXPECT_NE(p.reason.find("keeper was killed"), std::string::npos) << p.reason;
      ++lost;
    }
  }
  EXPECT_GE(not_taken, 3) << "before the link it stays in the queue";
  EXPECT_GE(lost, 3) << "after the link it is spent";
  expect_nobody_ran_twice();
}

TEST_F(Faults, APilotOutlivesItsKeeperAndIsSeenToItsEnd) {
  queue.environment["GO"] = file("go");
  ASSERT_TRUE(submit("s-1", 2, kCount + std::string("; while [ ! -e \"$GO\" ]; do sleep 0.01; done")));
  ASSERT_TRUE(until([&] { return lines("ran") == 2; }));  // taken is not enough: its gate must be open
  const Taken taken = taken_of("s-1", 0);
  ASSERT_TRUE(signal(taken.keeper, SIGKILL));
  ASSERT_TRUE(until([&] { return !alive(taken.keeper); }));
  EXPECT_EQ(running(poll()), 2U);
  ASSERT_TRUE(submit("s-2", 1, "true"));  // its slot's lock is free, its core is not
  EXPECT_EQ(running(poll()), 2U);
  std::ofstream(root / "go").put('1');
  ASSERT_TRUE(until_ended(3));
  EXPECT_EQ(seen_ended["s-1.0"].state, PilotState::failed);
  EXPECT_NE(seen_ended["s-1.0"].reason.find("keeper was killed"), std::string::npos);
  EXPECT_EQ(seen_ended["s-1.1"].state, PilotState::done);
  EXPECT_FALSE(fs::exists(root / "state/local/scratch/s-1.0"));
}

TEST_F(Faults, AKeeperWhoseSpoolIsGoneEnds) {
  queue.environment["GO"] = file("go");
  ASSERT_TRUE(submit("s-1", 1, kCount + std::string("; while [ ! -e \"$GO\" ]; do sleep 0.01; done")));
  ASSERT_TRUE(until([&] { return lines("ran") == 1; }));
  const Taken taken = taken_of("s-1", 0);
  fs::remove_all(root / "state/local");
  std::ofstream(root / "go").put('1');
  EXPECT_TRUE(until([&] { return !alive(taken.keeper); }));
}

TEST_F(Faults, AnOrphanCanBeRemoved) {
  settings.grace_ms = 0;
  restart();
  ASSERT_TRUE(submit("s-1", 1, "trap '' TERM; touch up; while :; do sleep 0.01; done"));
  ASSERT_TRUE(until([&] { return fs::exists(root / "state/local/scratch/s-1.0/up"); }));
  const Taken taken = taken_of("s-1", 0);
  ASSERT_TRUE(signal(taken.keeper, SIGKILL));
  ASSERT_TRUE(until([&] { return !alive(taken.keeper); }));
  poll();
  EXPECT_EQ(remove("s-1.0"), 1);
  ASSERT_TRUE(until_ended(1));
  EXPECT_EQ(seen_ended["s-1.0"].state, PilotState::removed);
  EXPECT_FALSE(alive(taken.pilot));
}

TEST_F(Faults, AfterARebootRunningPilotsHaveFailedAndWaitingOnesRun) {
  settings.slots = 1;
  restart();
  ASSERT_TRUE(
      submit("s-1", 2, "if [ $APF_INDEX = 0 ]; then echo >> \"$RAN.up\"; sleep 300; fi; echo $APFCID >> \"$RAN\""));
  ASSERT_TRUE(until([&] { return lines("ran.up") == 1; }));
  const Taken taken = taken_of("s-1", 0);
  ASSERT_TRUE(signal(taken.keeper, SIGKILL));  // what a reboot does to both
  ASSERT_TRUE(signal_group(taken.pilot, SIGKILL));
  const std::string boot = settings.boot;
  settings.boot = "another boot";
  restart();
  ASSERT_TRUE(until_ended(1));
  EXPECT_EQ(seen_ended["s-1.0"].state, PilotState::failed);
  EXPECT_EQ(seen_ended["s-1.0"].reason, "machine rebooted");
  settings.boot = boot;
  restart();
  ASSERT_TRUE(until_ended(2));
  EXPECT_EQ(seen_ended["s-1.1"].state, PilotState::done);
  EXPECT_EQ(runs().size(), 1U);
}

// Puts another record in the place of <0>.taken.
void forge_taken(const fs::path& root, const Taken& taken) {
  const Spool spool((root / "state/local").string());
  const std::string path = spool.live(spool.orders()->back()) + "/0.taken";
  ASSERT_TRUE(write_private(path, taken.record().encode('\n') + "\n"));
}

TEST_F(Faults, APidMeansNothingWithAnotherStartTime) {
  settings.slots = 0;
  restart();
  ASSERT_TRUE(submit("s-1", 1, kCount));
  Process me_later = look_up(::getpid());
  ++me_later.start;
  forge_taken(root, {me_later, me_later, boot_id(), "here", wall_ms()});
  EXPECT_EQ(remove("s-1.0"), 0 + (live().empty() ? 0 : 1));
  ASSERT_TRUE(until_ended(1));
  EXPECT_EQ(seen_ended["s-1.0"].state, PilotState::failed);
  EXPECT_FALSE(signal(me_later, SIGKILL)) << "else this line would not be reached";
  EXPECT_FALSE(signal_group(me_later, SIGKILL));
}

TEST_F(Faults, ADamagedOrderMakesTheViewIncompleteAndStopsNothingElse) {
  settings.slots = 0;
  restart();
  ASSERT_TRUE(submit("s-1", 1, kCount));
  const Spool spool((root / "state/local").string());
  const std::string broken = spool.live(spool.orders()->back()) + "/order";
  const auto whole = *read_file(broken);
  fs::resize_file(broken, whole.size() / 2);
  restart();
  settings.slots = 2;
  restart();
  ASSERT_TRUE(submit("s-2", 1, kCount));
  ASSERT_TRUE(until_ended(1));
  const auto view = poll();
  EXPECT_FALSE(view.complete);
  EXPECT_NE(view.evidence.find("damaged"), std::string::npos) << view.evidence;
  const std::vector<std::string> ids{"s-1"};
  EXPECT_FALSE(batch->find(me, ids, context)->complete);
  ASSERT_TRUE(write_private(broken, whole));
  EXPECT_TRUE(until_ended(2));
}

TEST_F(Faults, AFullDiskRefusesTheOrderAndNothingIsLeft) {
  poll();
  for (const rlim_t bytes : {0, 20, 200}) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      (void)std::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{bytes, bytes};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      const auto ids = submit("s-1", 2, kCount);
      ::_exit(!ids && ids.error().kind == Kind::transient && ids.error().code == "local.io" ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0) << bytes;
    EXPECT_TRUE(find("s-1").empty());
    EXPECT_TRUE(fs::is_empty(root / "state/local/tmp"));
  }
}

TEST_F(Faults, AnUnusableDirectoryIsAClearError) {
  std::ofstream(root / "file").put('x');
  settings.directory = file("file/below");
  restart();
  const auto view = batch->poll(me, "", context);
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().kind, Kind::transient);
  EXPECT_NE(view.error().text().find("file"), std::string::npos);
  EXPECT_FALSE(submit("s-1", 1, kCount));
  settings.directory = file("newer");
  fs::create_directories(root / "newer");
  std::ofstream(root / "newer/version") << "99\n";
  restart();
  const auto newer = batch->poll(me, "", context);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, "local.newer");
  settings.directory.clear();
  restart();
}

TEST_F(Faults, AVanishedDirectoryIsAnErrorAndNotAnEmptyView) {
  settings.directory = file("mounted");
  restart();
  poll();
  fs::rename(root / "mounted", root / "unmounted");
  EXPECT_FALSE(batch->poll(me, cursor, context));
  fs::rename(root / "unmounted", root / "mounted");
  EXPECT_TRUE(batch->poll(me, cursor, context));
  settings.directory.clear();
  restart();
}

// Factories and keepers killed at random moments while pilots come and go.
TEST_F(Faults, RandomKillsLoseNothingAndDoubleNothing) {
  std::mt19937 random(20261121);
  const auto some = [&](int most) { return std::uniform_int_distribution<int>(0, most)(random); };
  std::set<std::string> wanted;
  for (int round = 0; round < 40; ++round) {
    const std::string id = fmt::format("r-{}", round);
    const int steps = some(60);  // its moment is counted in steps, so that a busy machine changes nothing
    const pid_t factory = ::fork();
    if (factory == 0) {
      g_steps_left = steps;
      set_step_hook(die_at_last_step);
      (void)submit(id, 3, kCount);
      while (!live().empty()) {
      }
      ::_exit(0);
    }
    ASSERT_EQ(::waitpid(factory, nullptr, 0), factory);
    if (some(2) == 0) {  // and a keeper dies, wherever it is by now
      const Taken taken = taken_of(id, static_cast<std::uint32_t>(some(2)));
      if (taken.keeper.start != 0) (void)signal(taken.keeper, SIGKILL);
    }
    restart();
    const auto rows = find(id);
    ASSERT_TRUE(rows.empty() || rows.size() == 3) << id;
    for (const auto& p : rows) wanted.insert(p.batch_id);
  }
  EXPECT_GT(wanted.size(), 10U) << "hardly a submission got through";
  ASSERT_TRUE(until_ended(wanted.size()));
  expect_nobody_ran_twice();
  for (const auto& id : wanted) {
    const PilotSeen& p = seen_ended[id];
    EXPECT_TRUE(p.state != PilotState::done || runs().contains(id)) << id;
    EXPECT_TRUE(p.state == PilotState::done || p.reason.find("keeper was killed") != std::string::npos) << p.reason;
  }
}

}  // namespace
}  // namespace apf::local
