// Grid flavours of batch/htcondor on a real pool: pilots that another schedd runs.
#include <array>
#include <cstdio>

#include "pool_fixture.h"

namespace apf {
namespace {

// What a command prints, without the last line break.
std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  std::array<char, 4096> chunk{};
  for (std::size_t n = 0; (n = fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) out.append(chunk.data(), n);
  pclose(pipe);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class HtcondorFlavours : public HtcondorPool {
 protected:
  void SetUp() override {
    folder_ = "apf-pool-test-XXXXXX";  // HTCondor can't hand on input files from a folder with blanks
    HtcondorPool::SetUp();
    if (HasFatalFailure()) return;
    me_.log_dir = directory_ / "logs";
    queue_.name = "Q/one";
    restart();
    // "<127.0.0.1:1234?addrs=...>" -> "127.0.0.1:1234"
    pool_ = output_of("condor_status -collector -af MyAddress | sed 's/^<//; s/[?>].*//' | head -n1");
    ASSERT_FALSE(pool_.empty());
    queue_.submit.set("flavour", std::string("condor"));
    queue_.submit.set("remote_schedd", std::string(kOther));
    queue_.submit.set("remote_pool", pool_);
  }
  // What the other schedd knows of jobs that were handed over to it.
  static std::string remote(const std::string& ask) {
    return output_of("condor_q -allusers -name " + std::string(kOther) + " " + ask);
  }
  static Options without(const Options& from, std::string_view name) {
    Options out;
    for (const auto& [key, entry] : from.entries())
      if (key != name) out.set(key, entry.value);
    return out;
  }
  std::string out_file(const std::string& id) const {
    return fs::path(me_.log_dir) / "2026-11-21" / "Q_one" / (id + ".out");
  }

  static constexpr seconds kPatience{240};  // two schedds and a gridmanager that polls
  static constexpr const char* kOther = "schedd2@pool.test";
  std::string pool_;
};

TEST_F(HtcondorFlavours, ARemotePilotGetsWhatAVanillaOneGets) {
  queue_.executable = script(
      "#!/bin/sh\nfor a in \"$@\"; do printf '[%s]\\n' \"$a\"; done\necho \"odd=$ODD\"\n"
      "echo \"cid=$APFCID index=$APF_INDEX\"\n"
      "cat \"$APF_REPORT_KEY_FILE\"; echo; stat -c %a \"$APF_REPORT_KEY_FILE\"; cat token\nexit 7\n");
  std::ofstream(directory_ / "token") << "a token";
  fs::permissions(directory_ / "token", fs::perms::owner_read);
  queue_.input_files = {directory_ / "token"};
  queue_.arguments = {"two words", R"(it's "q" $(Cluster) \n)", "$HOME;`id`"};
  queue_.environment = {{"ODD", R"(x 'y' "z" a=b;c)"}};
  queue_.submit.set("requirements", std::string("Cpus >= 1"));
  const auto ids = submit("s-remote", 2);
  ASSERT_TRUE(ids) << ids.error().text();
  poll_until([&] { return ended_.size() == 2; }, kPatience);
  const PilotSeen& p = ended_[(*ids)[1]];
  EXPECT_EQ(p.state, PilotState::done);
  EXPECT_EQ(p.exit_code, 7);
  EXPECT_EQ(p.index, 1U);
  EXPECT_EQ(slurp(out_file((*ids)[1])),
            "[two words]\n[it's \"q\" $(Cluster) \\n]\n[$HOME;`id`]\nodd=x 'y' \"z\" a=b;c\ncid=" + (*ids)[1] +
                " index=1\nkey-of-s-remote\n600\na token");
}

TEST_F(HtcondorFlavours, ATwinInTheOtherQueueIsNoPilotOfItsOwn) {
  queue_.submit.set("requirements", std::string("false"));
  const auto ids = submit("s-twin", 1);
  ASSERT_TRUE(ids) << ids.error().text();
  const std::string twin = "-constraint 'APF_SUBMISSION =?= \"s-twin\" && APF_FACTORY_ID =?= \"remote twin of " +
                           me_.factory_id + "\"' -af ClusterId";
  poll_until([&] { return !remote(twin).empty() && live_in((*ids)[0], PilotState::pending); }, kPatience);
  options_.set("schedd", std::string(kOther));
  restart();
  const auto view = batch_->poll(me_, "", *context());
  ASSERT_TRUE(view) << view.error().text();
  EXPECT_TRUE(view->data.live.empty());
}

TEST_F(HtcondorFlavours, AnEvictedRemotePilotIsNotRunAgain) {
  const fs::path started = directory_ / "started";
  queue_.executable = script("#!/bin/sh\necho x >> '" + started.string() + "'\nexec sleep 300\n");
  const auto ids = submit("s-evict", 1);
  ASSERT_TRUE(ids) << ids.error().text();
  poll_until([&] { return live_in((*ids)[0], PilotState::running) && fs::exists(started); }, kPatience);
  const std::string ask = "-constraint 'APF_SUBMISSION =?= \"s-evict\"'";
  const std::string twin = remote(ask + " -af:j JobStatus | cut -d' ' -f1");
  ASSERT_FALSE(twin.empty());
  ASSERT_EQ(std::system(("condor_vacate_job -fast -name " + std::string(kOther) + " " + twin + " >/dev/null").c_str()),
            0);
  poll_until([&] { return ended_.contains((*ids)[0]); }, kPatience);
  EXPECT_NE(ended_[(*ids)[0]].state, PilotState::done);
  EXPECT_EQ(slurp(started), "x\n");
  EXPECT_EQ(remote(ask + " -af ClusterId"), "");
}

TEST_F(HtcondorFlavours, ASpooledPilotLeavesTheQueueWhenItsOutputIsHere) {
  for (const char* option : {"flavour", "remote_schedd", "remote_pool"}) queue_.submit = without(queue_.submit, option);
  options_.set("schedd", std::string(kOther));
  options_.set("spooling", true);
  restart();
  queue_.executable = script("#!/bin/sh\ncat \"$APF_REPORT_KEY_FILE\"; echo; echo oops >&2; exit 7\n");
  const auto ids = submit("s-spool", 2);
  ASSERT_TRUE(ids) << ids.error().text();
  const std::string ask = "-constraint 'APF_SUBMISSION =?= \"s-spool\"' -af ClusterId";
  poll_until([&] { return ended_.size() == 2 && remote(ask).empty(); }, kPatience);
  for (const auto& id : *ids) {
    EXPECT_EQ(ended_[id].state, PilotState::done);
    EXPECT_EQ(ended_[id].exit_code, 7);
    EXPECT_EQ(slurp(out_file(id)), "key-of-s-spool\n");
    EXPECT_EQ(slurp(fs::path(out_file(id)).replace_extension(".err")), "oops\n");
  }
}

// Run by tests/systems/slurm/htcondor_batch_test.sh, which brings up Slurm and a pool that knows it.
class HtcondorSlurm : public HtcondorPool {
 protected:
  void SetUp() override {
    folder_ = "apf-pool-test-XXXXXX";
    HtcondorPool::SetUp();
    if (HasFatalFailure()) return;
    me_.log_dir = directory_ / "logs";
    queue_.name = "Q/one";
    queue_.submit.set("flavour", std::string("batch"));
    queue_.submit.set("batch_system", std::string("slurm"));
    queue_.submit.set("batch_queue", std::string("main"));
    queue_.submit.set("wall_time", Duration(seconds{3600}));
    queue_.submit.set("request_cpus", std::int64_t{2});
  }
  static constexpr seconds kPatience{240};
};

TEST_F(HtcondorSlurm, APilotRunsThere) {
  queue_.executable = script(
      "#!/bin/sh\nfor a in \"$@\"; do printf '[%s]\\n' \"$a\"; done\necho \"odd=$ODD\"\n"
      "echo \"cid=$APFCID index=$APF_INDEX\"\n"
      "cat \"$APF_REPORT_KEY_FILE\"; echo; stat -c %a \"$APF_REPORT_KEY_FILE\"\n"
      "echo \"slurm=${SLURM_JOB_ID:+yes} on $SLURM_JOB_PARTITION, $SLURM_CPUS_ON_NODE cores\"\nexit 7\n");
  queue_.arguments = {"two words", R"(it's "q")"};
  queue_.environment = {{"ODD", "x y=z"}};
  const auto ids = submit("s-slurm", 2);
  ASSERT_TRUE(ids) << ids.error().text();
  poll_until([&] { return ended_.size() == 2; }, kPatience);
  const PilotSeen& p = ended_[(*ids)[1]];
  EXPECT_EQ(p.state, PilotState::done);  // its exit code is not told: BLAHP looks for it in the wrong place
  EXPECT_EQ(slurp(fs::path(me_.log_dir) / "2026-11-21" / "Q_one" / ((*ids)[1] + ".out")),
            "[two words]\n[it's \"q\"]\nodd=x y=z\ncid=" + (*ids)[1] +
                " index=1\nkey-of-s-slurm\n600\nslurm=yes on main, 2 cores\n");
}

TEST_F(HtcondorSlurm, APilotThatIsRemovedLeavesSlurm) {
  const fs::path started = directory_ / "started";
  queue_.executable = script("#!/bin/sh\necho \"$SLURM_JOB_ID\" > '" + started.string() + "'\nexec sleep 300\n");
  const auto ids = submit("s-gone", 1);
  ASSERT_TRUE(ids) << ids.error().text();
  poll_until([&] { return live_in((*ids)[0], PilotState::running) && fs::exists(started); }, kPatience);
  const std::vector<PilotState> running{PilotState::running};
  const std::vector<Batch::Removal> it{{(*ids)[0], "s-gone"}};
  EXPECT_EQ(batch_->remove(it, running, "test", *context()), 1);
  poll_until([&] { return ended_.contains((*ids)[0]); }, kPatience);
  EXPECT_EQ(ended_[(*ids)[0]].state, PilotState::removed);
  const std::string job = slurp(started).substr(0, slurp(started).find('\n'));
  const std::string ask = "squeue -h -t pending,running -o %i 2>/dev/null | grep -qx " + job;
  for (int i = 0; i < 600 && std::system(ask.c_str()) == 0; ++i) std::this_thread::sleep_for(milliseconds{200});
  EXPECT_NE(std::system(ask.c_str()), 0) << "Slurm still has job " << job;
}

// A real ARC CE; run by tests/systems/arc/htcondor_arc.
class HtcondorArc : public HtcondorPool {
 protected:
  void SetUp() override {
    folder_ = "apf-pool-test-XXXXXX";
    HtcondorPool::SetUp();
    if (HasFatalFailure()) return;
    const char *const url = std::getenv("APF_ARC_URL"), *const proxy = std::getenv("APF_ARC_PROXY");
    ASSERT_TRUE(url != nullptr && proxy != nullptr) << "run tests/systems/arc/htcondor_arc";
    me_.log_dir = directory_ / "logs";
    queue_.name = "Q/one";
    queue_.submit.set("rerun_evicted", false, {}, false, false);  // the table's, not given
    queue_.submit.set("flavour", std::string("arc"));
    queue_.submit.set("arc_url", std::string(url));
    queue_.submit.set("arc_queue", std::string("fork"));
    queue_.submit.set("wall_time", Duration(seconds{3600}));
    queue_.submit.set("credential", std::string(proxy));
    queue_.submit.set("credential_min_life", Duration(seconds{3600}));
  }
  static constexpr seconds kPatience{400};  // the CE tells of changes every minute
};

TEST_F(HtcondorArc, APilotRunsThereWithADelegatedProxy) {
  queue_.executable = script(
      "#!/bin/sh\nfor a in \"$@\"; do printf '[%s]\\n' \"$a\"; done\necho \"odd=$ODD\"\n"
      "echo \"cid=$APFCID index=$APF_INDEX\"\n"
      "cat \"$APF_REPORT_KEY_FILE\"; echo\ngrep -c 'BEGIN.*PRIVATE' \"$X509_USER_PROXY\"\nexit 7\n");
  queue_.arguments = {"two words"};
  queue_.environment = {{"ODD", "x y=z"}};
  const auto ids = submit("s-arc", 2);
  ASSERT_TRUE(ids) << ids.error().text();
  poll_until([&] { return ended_.size() == 2; }, kPatience);
  const PilotSeen& p = ended_[(*ids)[1]];
  EXPECT_EQ(p.state, PilotState::done);
  EXPECT_EQ(p.exit_code, 7);
  EXPECT_EQ(slurp(fs::path(me_.log_dir) / "2026-11-21" / "Q_one" / ((*ids)[1] + ".out")),
            "[two words]\nodd=x y=z\ncid=" + (*ids)[1] + " index=1\nkey-of-s-arc\n1\n");
}

}  // namespace
}  // namespace apf
