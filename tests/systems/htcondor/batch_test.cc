// The plug-in batch/htcondor against a real pool: what pool_fixture.h says.
#include "pool_fixture.h"

namespace apf {
namespace {

TEST_F(HtcondorPool, APilotGetsWhatTheQueueSaysAndItsKey) {
  queue_.executable = script(
      "#!/bin/sh\nfor a in \"$@\"; do printf '[%s]\\n' \"$a\"; done\necho \"odd=$ODD\"\necho \"cid=$APFCID "
      "index=$APF_INDEX\"\n"
      "cat \"$APF_REPORT_KEY_FILE\"; echo; stat -c %a \"$APF_REPORT_KEY_FILE\"; cat token\nexit 7\n");
  std::ofstream(directory_ / "token") << "a token";
  fs::permissions(directory_ / "token", fs::perms::owner_read);
  queue_.input_files = {directory_ / "token"};
  queue_.arguments = {"two words", R"(it's "q" $(Cluster) \n)", "", "$HOME;`id`", "a\tb"};
  queue_.environment = {{"ODD", R"(x 'y' "z" $ENV(HOME) a=b;c)"}};
  queue_.submit.set("attributes", Table{{"Colour", "\"dark $(Cluster) red\""}, {"Number", "1 + 2"}});
  queue_.submit.set("extra", std::vector<std::string>{"job_max_vacate_time = 17"});
  const auto ids = submit("s-attr", 2);
  ASSERT_TRUE(ids) << ids.error().text();
  ASSERT_EQ(ids->size(), 2U);
  poll_until([&] { return ended_.size() == 2; });
  const PilotSeen& p = ended_[(*ids)[1]];
  EXPECT_EQ(p.submission, "s-attr");
  EXPECT_EQ(p.queue, "Q/one two");
  EXPECT_EQ(p.index, 1U);
  EXPECT_EQ(p.run, 3U);
  EXPECT_FALSE(p.foreign);
  EXPECT_EQ(p.state, PilotState::done);
  EXPECT_EQ(p.exit_code, 7);
  EXPECT_GE(p.wall_s, 0);
  EXPECT_GE(p.cpu_s, 0);
  EXPECT_GT(p.started.ms, 0);
  EXPECT_GE(p.ended.ms, p.started.ms);
  EXPECT_FALSE(p.node.empty());
  EXPECT_EQ(p.node.find('@'), std::string::npos);
  const fs::path out = fs::path(me_.log_dir) / "2026-11-21" / "Q_one two" / ((*ids)[1] + ".out");
  EXPECT_EQ(slurp(out),
            "[two words]\n[it's \"q\" $(Cluster) \\n]\n[]\n[$HOME;`id`]\n[a\tb]\n"
            "odd=x 'y' \"z\" $ENV(HOME) a=b;c\ncid=" +
                (*ids)[1] +
                " index=1\n"
                "key-of-s-attr\n600\na token");
  EXPECT_TRUE(fs::exists(fs::path(out).replace_extension(".log")));
  EXPECT_THAT(spooled(), ::testing::IsEmpty()) << "the key of ended pilots is left behind";
}

TEST_F(HtcondorPool, HeldPilotsAreShownWithTheirReasonAndFoundByTheirSubmission) {
  queue_.submit.set("requirements", std::string("false"));
  const auto ids = submit("s-held", 3);
  ASSERT_TRUE(ids) << ids.error().text();
  ASSERT_EQ(std::system(("condor_hold -reason 'a broken disk, é' " + (*ids)[2] + " >/dev/null").c_str()), 0);
  poll_until([&] { return live_in((*ids)[2], PilotState::held); });
  EXPECT_THAT(live_[(*ids)[2]].reason, ::testing::HasSubstr("a broken disk, é"));
  EXPECT_TRUE(live_in((*ids)[0], PilotState::pending));
  EXPECT_GT(live_[(*ids)[0]].submitted.ms, 0);
  EXPECT_EQ(live_[(*ids)[0]].started.ms, 0);
  const std::vector<std::string> wanted{"s-none", "s-held"};
  const auto found = batch_->find(me_, wanted, *context());
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(found->complete);
  EXPECT_EQ(found->data.size(), 3U);
}

// R11: a pilot that waits goes nowhere while its list holds the pool's only node, and starts when it is off the list.
TEST_F(HtcondorPool, PilotsAvoidNodesAndAreToldAnew) {
  ASSERT_TRUE(batch_->chooses_nodes(queue_));
  const auto first = submit("s-first", 1);
  ASSERT_TRUE(first) << first.error().text();
  poll_until([&] { return ended_.contains((*first)[0]); });
  const std::string node = ended_[(*first)[0]].node;
  ASSERT_FALSE(node.empty());
  const std::vector<std::string> bad{node}, none;
  avoid_ = bad;
  const auto second = submit("s-second", 2);
  ASSERT_TRUE(second) << second.error().text();
  avoid_ = none;
  const auto third = submit("s-third", 1);
  ASSERT_TRUE(third) << third.error().text();
  poll_until([&] { return ended_.contains((*third)[0]); });
  EXPECT_TRUE(live_in((*second)[0], PilotState::pending)) << "a later one has started and ended meanwhile";
  EXPECT_EQ(batch_->avoid(me_, queue_.name, none, *context()), 2);
  poll_until([&] { return ended_.contains((*second)[0]) && ended_.contains((*second)[1]); });
  EXPECT_EQ(batch_->avoid(me_, queue_.name, bad, *context()), 0) << "nobody waits";
}

TEST_F(HtcondorPool, RemovalSparesOtherStatesAndOtherSubmissions) {
  queue_.submit.set("requirements", std::string("false"));
  const auto ids = submit("s-rm", 4);
  ASSERT_TRUE(ids) << ids.error().text();
  ASSERT_EQ(std::system(("condor_hold " + (*ids)[3] + " >/dev/null").c_str()), 0);
  const std::vector<PilotState> pending{PilotState::pending};
  const std::vector<Batch::Removal> wrong{{(*ids)[0], "s-other"}};
  EXPECT_EQ(batch_->remove(wrong, pending, "test", *context()), 0);
  const std::vector<Batch::Removal> some{{(*ids)[0], "s-rm"}, {(*ids)[2], "s-rm"}, {(*ids)[3], "s-rm"}};
  EXPECT_EQ(batch_->remove(some, pending, "because \"so\" \\", *context()), 2);
  poll_until([&] { return ended_.contains((*ids)[0]) && ended_.contains((*ids)[2]); });
  EXPECT_EQ(ended_[(*ids)[0]].state, PilotState::removed);
  EXPECT_THAT(ended_[(*ids)[0]].reason, ::testing::HasSubstr("because 'so'"));
  EXPECT_TRUE(live_in((*ids)[1], PilotState::pending));
  EXPECT_TRUE(live_in((*ids)[3], PilotState::held));
}

TEST_F(HtcondorPool, AnEvictedPilotIsNotRunAgain) {
  const fs::path started = directory_ / "started";
  queue_.executable = script("#!/bin/sh\necho x >> '" + started.string() + "'\nexec sleep 300\n");
  const auto ids = submit("s-evict", 1);
  ASSERT_TRUE(ids) << ids.error().text();
  poll_until([&] { return live_in((*ids)[0], PilotState::running) && fs::exists(started); });
  EXPECT_FALSE(live_[(*ids)[0]].node.empty());
  ASSERT_EQ(std::system(("condor_vacate_job -fast " + (*ids)[0] + " >/dev/null").c_str()), 0);
  poll_until([&] { return ended_.contains((*ids)[0]); });
  EXPECT_NE(ended_[(*ids)[0]].state, PilotState::done);
  EXPECT_GT(ended_[(*ids)[0]].ended.ms, 0);
  // HTCondor itself takes it out of the queue at its next look
  const std::string left = "test -z \"$(condor_q -allusers " + (*ids)[0] + " -af ClusterId)\"";
  for (int i = 0; i < 150 && std::system(left.c_str()) != 0; ++i) std::this_thread::sleep_for(milliseconds{200});
  EXPECT_EQ(std::system(left.c_str()), 0);
  EXPECT_EQ(slurp(started), "x\n");
}

TEST_F(HtcondorPool, AnEvictedPilotIsRunAgainWhenAskedFor) {
  const fs::path started = directory_ / "started";
  queue_.executable = script("#!/bin/sh\necho x >> '" + started.string() + "'\nexec sleep 300\n");
  queue_.submit.set("rerun_evicted", true);
  const auto ids = submit("s-rerun", 1);
  ASSERT_TRUE(ids) << ids.error().text();
  poll_until([&] { return live_in((*ids)[0], PilotState::running) && fs::exists(started); });
  ASSERT_EQ(std::system(("condor_vacate_job -fast " + (*ids)[0] + " >/dev/null").c_str()), 0);
  poll_until([&] { return live_in((*ids)[0], PilotState::running) && slurp(started) == "x\nx\n"; });
  EXPECT_TRUE(ended_.empty());
}

TEST_F(HtcondorPool, ARestartedFactoryHearsOfPilotsThatEndedMeanwhile) {
  const auto first = submit("s-before", 1);
  ASSERT_TRUE(first) << first.error().text();
  poll_until([&] { return ended_.contains((*first)[0]); });
  const auto second = submit("s-meanwhile", 20);
  ASSERT_TRUE(second) << second.error().text();
  const std::string left =
      "test -z \"$(condor_q -allusers -constraint 'APF_SUBMISSION =?= \"s-meanwhile\"' -af ClusterId)\"";
  for (int i = 0; i < 300 && std::system(left.c_str()) != 0; ++i) std::this_thread::sleep_for(milliseconds{200});
  ended_.clear();
  restart();
  me_.run = 4;
  me_.instance = "i2";
  poll_until([&] { return ended_.size() >= 20; });
  EXPECT_EQ(ended_[(*second)[19]].state, PilotState::done);
  EXPECT_EQ(ended_[(*second)[19]].exit_code, 0);
  EXPECT_EQ(ended_[(*second)[19]].run, 3U);
  EXPECT_TRUE(ended_[(*second)[19]].foreign);
}

TEST_F(HtcondorPool, ARefusedSubmissionIsAKnownNo) {
  queue_.executable = directory_ / "no such file";
  auto refused = submit("s-no1", 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::permanent) << refused.error().text();
  queue_.executable = script("#!/bin/sh\n");
  queue_.submit.set("requirements", std::string("1 +"));
  refused = submit("s-no2", 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::permanent) << refused.error().text();
  queue_.submit.set("requirements", std::string("true"));
  options_.set("schedd", std::string("nobody@nowhere"));
  restart();
  refused = submit("s-no3", 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::transient) << refused.error().text();
  EXPECT_THAT(spooled(), ::testing::IsEmpty());
  EXPECT_FALSE(batch_->poll(me_, "", *context()));
}

// A submission that is cut off at any moment took effect as a whole or not at all, and its id tells which (RULES R8).
TEST_F(HtcondorPool, ASubmissionThatIsCutOffIsSettledByItsId) {
  options_.set("event_log", std::string("none"));  // or the first one would be cut off at the question for the log
  restart();
  queue_.submit.set("requirements", std::string("false"));
  int round = 0;
  for (const int ms : {5, 20, 40, 80, 120, 160, 200, 250, 300, 400}) {
    const std::string id = "s-cut" + std::to_string(++round);
    SCOPED_TRACE(std::to_string(ms) + " ms");
    const auto ids = submit(id, 1000, milliseconds{ms});
    const bool not_begun = !ids && ids.error().kind == Kind::transient;  // its time was over before it began
    if (!ids && !not_begun) {
      EXPECT_EQ(ids.error().kind, Kind::uncertain) << ids.error().text();
    }
    const std::vector<std::string> wanted{id};
    const auto found = batch_->find(me_, wanted, *context());
    ASSERT_TRUE(found) << found.error().text();
    const std::size_t n = found->data.size();
    EXPECT_TRUE((n == 1000 && !not_begun) || (n == 0 && !ids)) << n;
  }
}

TEST_F(HtcondorPool, OneThousandPilotsInOneCluster) {
  queue_.submit.set("requirements", std::string("false"));
  const auto ids = submit("s-many", 1000);
  ASSERT_TRUE(ids) << ids.error().text();
  ASSERT_EQ(ids->size(), 1000U);
  EXPECT_EQ((*ids)[999].substr((*ids)[999].find('.')), ".999");
  poll_until([&] { return live_.size() == 1000; });
  EXPECT_EQ(live_[(*ids)[999]].index, 999U);
}

}  // namespace
}  // namespace apf
