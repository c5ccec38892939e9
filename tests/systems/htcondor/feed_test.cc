// follow() of batch/htcondor against a real pool with two schedds ("pool exec", see tests/stages.cmake). The second
// schedd's event log rotates every 50 kB, so a few hundred events go through many rotations.
#include <algorithm>
#include <array>
#include <csignal>
#include <iostream>

#include "pool_fixture.h"

namespace apf {
namespace {

using ::testing::SizeIs;

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen(command.c_str(), "r");  // NOLINT(cert-env33-c): commands of this test
  if (pipe == nullptr) return out;
  std::array<char, 4096> some{};
  while (std::fgets(some.data(), static_cast<int>(some.size()), pipe) != nullptr) out += some.data();
  ::pclose(pipe);
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

// One pilot source with its feed, and what the feed told.
class Source {
 public:
  Source(const Registry& registry, const Options& options, FactoryIdentity me)
      : registry_(registry), options_(options), me_(std::move(me)) {
    restart();
  }

  // A factory that starts anew: nothing is remembered but the bookmark.
  void restart() { batch_ = std::move(*find(registry_.batch, "htcondor")->make(options_)); }

  void follow(Duration at_most = seconds{1}) {
    const auto context = engine::make_context("batch.test", mono_now() + at_most, std::make_shared<engine::Stop>());
    auto view = batch_->follow(me_, cursor_, *context);
    if (!view) {  // a busy schedd need not answer in time
      (view.error().kind == Kind::transient ? late_ : errors_).push_back(view.error().text());
      return;
    }
    cursor_ = view->cursor;
    if (!view->data.gap.empty()) gaps_.push_back(view->data.gap);
    for (auto& p : view->data.seen) {
      told_[p.batch_id].push_back(p.state);
      if (p.state == PilotState::done) lags_.push_back(wall_now().ms - p.ended.ms);
      last_[p.batch_id] = std::move(p);
    }
  }
  void follow_until(const std::function<bool()>& done, Duration at_most = seconds{120}) {
    const Mono end = mono_now() + at_most;
    while (!done() && mono_now() < end) follow();
    EXPECT_TRUE(done()) << told_.size() << " pilots told, " << gaps_.size()
                        << " gaps, errors: " << (errors_.empty() ? "none" : errors_.back())
                        << ", late: " << (late_.empty() ? "none" : late_.back());
  }
  std::size_t in(PilotState state) const {
    return static_cast<std::size_t>(
        std::count_if(last_.begin(), last_.end(), [&](const auto& p) { return p.second.state == state; }));
  }

  Batch& batch() { return *batch_; }
  const FactoryIdentity& me() const { return me_; }

  std::map<std::string, std::vector<PilotState>> told_;
  std::map<std::string, PilotSeen> last_;
  std::vector<std::int64_t> lags_;  // ms from the event to its telling, of pilots that were done
  std::vector<std::string> errors_, late_;
  std::string cursor_;
  std::vector<std::string> gaps_;

 private:
  const Registry& registry_;
  Options options_;
  FactoryIdentity me_;
  std::unique_ptr<Batch> batch_;
};

class HtcondorFeedPool : public HtcondorPool {
 protected:
  void SetUp() override {
    options_.set("event_log", std::string("auto"));
    HtcondorPool::SetUp();
    queue_.name = "Q";
    queue_.executable = script("#!/bin/sh\nexit 7\n");
    queue_.submit.set("job_log", false);
  }
  void TearDown() override {
    for (const char* schedd : {"schedd1@pool.test", "schedd2@pool.test"})
      output_of(std::string("condor_rm -name ") + schedd + " -constraint 'APF_FACTORY_ID =?= \"" + me_.factory_id +
                "\"' 2>&1");
    HtcondorPool::TearDown();
  }

  std::unique_ptr<Source> source(const std::string& schedd) {
    options_.set("schedd", schedd);
    auto out = std::make_unique<Source>(registry_, options_, me_);
    out->follow(seconds{60});
    EXPECT_THAT(out->errors_, ::testing::IsEmpty());
    EXPECT_FALSE(out->cursor_.empty());
    return out;
  }
  std::vector<std::string> submit(Source& to, const std::string& id, int n) {
    auto ids = HtcondorPool::submit(id, n, seconds{60}, &to.batch());
    EXPECT_TRUE(ids) << (ids ? "" : ids.error().text());
    return ids.value_or(std::vector<std::string>{});
  }
  static std::string log_of_second() {
    return output_of("condor_config_val -name schedd2@pool.test -schedd EVENT_LOG");
  }
};

// Each pilot's states in the order of its life; `pending, running, transferring, done` with repeats left out.
std::vector<PilotState> life(std::vector<PilotState> told) {
  told.erase(std::unique(told.begin(), told.end()), told.end());
  return told;
}
const std::vector<PilotState> kWholeLife{PilotState::pending, PilotState::running, PilotState::transferring,
                                         PilotState::done};

TEST_F(HtcondorFeedPool, TwoHundredPilotsAreToldFromBeginToEndThroughRotations) {
  const auto s = source("schedd2@pool.test");
  const auto rotations = [] { return output_of("ls -i " + log_of_second() + "* 2>/dev/null"); };
  const std::string before = rotations();
  submit(*s, "s-life", 200);
  int looks = 0;
  s->follow_until([&] {
    if (++looks % 20 == 0) s->restart();
    return s->in(PilotState::done) == 200;
  });
  EXPECT_NE(rotations(), before) << "the log was to rotate";
  std::sort(s->lags_.begin(), s->lags_.end());
  std::cout << "from event to pilot: median " << s->lags_[100] << " ms, 99 of 100 " << s->lags_[197] << " ms\n";
  EXPECT_THAT(s->gaps_, ::testing::IsEmpty());
  EXPECT_EQ(s->told_.size(), 200U);
  for (const auto& [id, told] : s->told_) ASSERT_EQ(life(told), kWholeLife) << id;
  for (const auto& [id, p] : s->last_) {
    EXPECT_EQ(p.exit_code, 7) << id;
    EXPECT_EQ(p.submission, "s-life");
    EXPECT_EQ(p.queue, "Q");
    EXPECT_EQ(p.index, static_cast<std::uint32_t>(std::stoi(id.substr(id.find('.') + 1))));
    EXPECT_GT(p.ended.ms, 0);
    EXPECT_FALSE(p.node.empty());
  }
}

TEST_F(HtcondorFeedPool, EachScheddTellsItsOwnPilots) {
  const auto one = source("schedd1@pool.test"), two = source("schedd2@pool.test");
  submit(*one, "s-one", 5);
  submit(*two, "s-two", 7);
  one->follow_until([&] { return one->in(PilotState::done) == 5; });
  two->follow_until([&] { return two->in(PilotState::done) == 7; });
  for (const auto& [id, p] : one->last_) EXPECT_EQ(p.submission, "s-one");
  for (const auto& [id, p] : two->last_) EXPECT_EQ(p.submission, "s-two");
  EXPECT_EQ(one->told_.size(), 5U);
  EXPECT_EQ(two->told_.size(), 7U);
  EXPECT_THAT(one->gaps_, ::testing::IsEmpty());
  EXPECT_THAT(two->gaps_, ::testing::IsEmpty());
}

TEST_F(HtcondorFeedPool, HoldsReleasesEvictionsAndRemovalsAreTold) {
  const auto s = source("schedd1@pool.test");
  queue_.executable = script("#!/bin/sh\nexec sleep 600\n");
  const auto ids = submit(*s, "s-more", 3);
  ASSERT_THAT(ids, SizeIs(3));
  s->follow_until([&] { return s->in(PilotState::running) == 3; });
  output_of("condor_hold " + ids[0] + " 2>&1; condor_vacate_job -fast " + ids[1] + " 2>&1; condor_rm " + ids[2] +
            " 2>&1");
  s->follow_until([&] { return s->in(PilotState::held) == 1 && s->in(PilotState::removed) >= 1; });
  EXPECT_EQ(s->last_[ids[0]].hold, HoldKind::people);
  EXPECT_THAT(s->told_[ids[0]], ::testing::Not(::testing::Contains(PilotState::failed))) << "a hold is no eviction";
  s->follow_until([&] { return ended(s->last_[ids[1]].state); });
  EXPECT_THAT(s->told_[ids[1]], ::testing::Contains(::testing::AnyOf(PilotState::failed, PilotState::removed)));

  // waiting pilots are released as they were held: by id, submission and state
  queue_.submit.set("requirements", std::string("false"));
  const auto waiting = submit(*s, "s-wait", 3);
  ASSERT_THAT(waiting, SizeIs(3));
  output_of("condor_hold " + waiting[0] + " " + waiting[1] + " 2>&1");
  s->follow_until(
      [&] { return s->last_[waiting[0]].state == PilotState::held && s->last_[waiting[1]].state == PilotState::held; });
  const auto context = engine::make_context("batch.test", mono_now() + seconds{60}, std::make_shared<engine::Stop>());
  const std::vector<Batch::Removal> wrong{{waiting[0], "s-other"}}, all{{waiting[0], "s-wait"}, {waiting[2], "s-wait"}};
  EXPECT_EQ(s->batch().release(wrong, "test", *context), 0);
  EXPECT_EQ(s->batch().release(all, "test", *context), 1);
  s->follow_until([&] { return s->last_[waiting[0]].state == PilotState::pending; });
  EXPECT_EQ(s->last_[waiting[1]].state, PilotState::held);
}

TEST_F(HtcondorFeedPool, GoesOnAfterTheLogWasDeleted) {
  const auto s = source("schedd2@pool.test");
  submit(*s, "s-before", 2);
  s->follow_until([&] { return s->in(PilotState::done) == 2; });
  const fs::path log = log_of_second();
  fs::remove(log);
  s->follow(milliseconds{300});
  EXPECT_THAT(s->gaps_, ::testing::IsEmpty()) << "nothing is lost yet";
  submit(*s, "s-after", 5);
  s->follow_until([&] { return s->in(PilotState::done) == 7; });
  EXPECT_THAT(s->gaps_, SizeIs(1));
  EXPECT_EQ(s->told_.size(), 7U);
}

// Where the schedd's log can't be followed, pilots write one of their own.
class HtcondorPilotsLogPool : public HtcondorFeedPool {
 protected:
  // The pool's tools, but a schedd that tells of no event log.
  void hide_event_log() {
    const fs::path tools = directory_ / "tools", real = output_of("dirname $(command -v condor_q)");
    fs::create_directory(tools);
    for (const auto& entry : fs::directory_iterator(real))
      if (const auto name = entry.path().filename();
          name != "condor_config_val" && name.string().starts_with("condor_"))
        std::ofstream(tools / name) << "#!/bin/sh\nexec " << entry.path() << " \"$@\"\n";
    std::ofstream(tools / "condor_config_val")
        << "#!/bin/sh\n[ $# -eq 1 ] && exec " << real / "condor_config_val" << " \"$@\"\n"
        << "printf 'Not defined: EVENT_LOG\\nNot defined\\nNot defined\\nhost.example.org\\n'\n";
    for (const auto& entry : fs::directory_iterator(tools)) fs::permissions(entry, fs::perms{0755});
    options_.set("tools", tools.string());
  }
  fs::path pilots_log() const {
    const fs::directory_iterator first(spool() / "events");
    return first->path();
  }
};

TEST_F(HtcondorPilotsLogPool, TellsAHundredPilotsFromBeginToEndThroughRestarts) {
  hide_event_log();
  const auto s = source("schedd2@pool.test");
  queue_.submit.set("job_log", true);
  const auto ids = submit(*s, "s-life", 100);
  int looks = 0;
  s->follow_until([&] {
    if (++looks % 5 == 0) s->restart();
    return s->in(PilotState::done) == 100;
  });
  std::sort(s->lags_.begin(), s->lags_.end());
  std::cout << "from event to pilot: median " << s->lags_[50] << " ms, 99 of 100 " << s->lags_[98] << " ms\n";
  EXPECT_THAT(s->gaps_, ::testing::IsEmpty());
  EXPECT_THAT(s->errors_, ::testing::IsEmpty());
  ASSERT_EQ(s->told_.size(), 100U);
  for (const auto& [id, told] : s->told_) ASSERT_EQ(life(told), kWholeLife) << id;
  for (const auto& [id, p] : s->last_) {
    EXPECT_EQ(p.exit_code, 7) << id;
    EXPECT_EQ(p.queue, "Q");
    EXPECT_FALSE(p.node.empty());
  }
  EXPECT_THAT(slurp(pilots_log()), ::testing::StartsWith("<c>\n"));
  const fs::path people = fs::path(me_.log_dir) / "2026-11-21" / "Q" / (ids[0] + ".log");
  EXPECT_THAT(slurp(people), ::testing::HasSubstr("Job terminated.")) << "the log of each pilot is still there";
}

TEST_F(HtcondorPilotsLogPool, TellsHoldsReleasesEvictionsAndRemovals) {
  options_.set("event_log", std::string("pilots"));
  const auto s = source("schedd1@pool.test");
  queue_.executable = script("#!/bin/sh\nexec sleep 600\n");
  const auto ids = submit(*s, "s-more", 3);
  ASSERT_THAT(ids, SizeIs(3));
  s->follow_until([&] { return s->in(PilotState::running) == 3; });
  output_of("condor_hold " + ids[0] + " 2>&1; condor_vacate_job -fast " + ids[1] + " 2>&1; condor_rm " + ids[2] +
            " 2>&1");
  s->follow_until([&] {
    return s->last_[ids[0]].state == PilotState::held && ended(s->last_[ids[1]].state) &&
           s->last_[ids[2]].state == PilotState::removed;
  });
  EXPECT_EQ(s->last_[ids[0]].hold, HoldKind::people);
  EXPECT_THAT(s->told_[ids[0]], ::testing::Not(::testing::Contains(PilotState::failed))) << "a hold is no eviction";
  EXPECT_THAT(s->gaps_, ::testing::IsEmpty());
}

TEST_F(HtcondorPilotsLogPool, IsNotTrustedUntilAllPilotsWriteIt) {
  options_.set("event_log", std::string("none"));
  queue_.submit.set("requirements", std::string("false"));
  options_.set("schedd", std::string("schedd1@pool.test"));
  Source before(registry_, options_, me_);
  const auto ids = submit(before, "s-before", 2);
  ASSERT_THAT(ids, SizeIs(2));
  hide_event_log();
  options_.set("event_log", std::string("auto"));
  Source after(registry_, options_, me_);
  after.follow();
  ASSERT_THAT(after.errors_, SizeIs(1));
  EXPECT_THAT(after.errors_[0], ::testing::HasSubstr("2 pilots were submitted before"));
  EXPECT_TRUE(after.cursor_.empty());
  submit(after, "s-after", 1);
  output_of("condor_rm " + ids[0] + " " + ids[1] + " 2>&1");
  after.follow_until([&] { return !after.cursor_.empty(); });
  submit(after, "s-last", 1);
  after.follow_until([&] { return after.told_.size() == 1; });
}

TEST_F(HtcondorPilotsLogPool, GoesOnAfterItWasDeletedAndTellsTheGap) {
  options_.set("event_log", std::string("pilots"));
  const auto s = source("schedd1@pool.test");
  submit(*s, "s-before", 2);
  s->follow_until([&] { return s->in(PilotState::done) == 2; });
  fs::remove(pilots_log());
  submit(*s, "s-after", 3);
  s->follow_until([&] { return s->in(PilotState::done) == 5; });
  EXPECT_THAT(s->gaps_, SizeIs(1));
}

// The schedd dies without a word and comes again; its shadows and pilots go on, and so does the log.
TEST_F(HtcondorFeedPool, GoesOnWhenTheScheddWasKilled) {
  const auto s = source("schedd2@pool.test");
  queue_.executable = script("#!/bin/sh\nsleep 20\nexit 7\n");
  submit(*s, "s-killed", 5);
  s->follow_until([&] { return s->in(PilotState::running) == 5; });
  // only a child of this pool's own master
  const std::string pid = output_of("pgrep -P $(cat \"$(condor_config_val RUN)/master.pid\") -f 'local-name schedd2'");
  ASSERT_FALSE(pid.empty());
  ASSERT_EQ(::kill(std::stoi(pid), SIGKILL), 0);
  s->restart();
  s->follow_until([&] { return s->in(PilotState::done) + s->in(PilotState::failed) + s->in(PilotState::removed) == 5; },
                  seconds{180});
  const std::string alive = "condor_q -name schedd2@pool.test -totals >/dev/null 2>&1";
  for (int i = 0; i < 300 && std::system(alive.c_str()) != 0; ++i) s->follow(milliseconds{200});
  EXPECT_EQ(std::system(alive.c_str()), 0);
  submit(*s, "s-again", 2);
  s->follow_until([&] { return s->told_.size() == 7 && s->in(PilotState::running) >= 1; });
  EXPECT_THAT(s->gaps_, ::testing::IsEmpty());
}

}  // namespace
}  // namespace apf
