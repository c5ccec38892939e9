// follow() on event logs that the tests write.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "apf/registry.h"
#include "htcondor.h"
#include "support/fake_context.h"
#include "support/made_events.h"

namespace apf {
void register_batch_htcondor(Registry& registry);
}

namespace apf::batch_htcondor {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HtcondorFeed : public MadeEvents {
 protected:
  void SetUp() override {
    std::string directory = (fs::temp_directory_path() / "apf-feed-XXXXXX").string();
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    directory_ = directory;
    me_.factory_id = "f-1";
    me_.instance = "i1";
    me_.state_dir = directory_ / "state";
    settings_ = {
        (directory_ / "EventLog").string(), "JSON, UTC",
        "APF_FACTORY_ID, APF_INSTANCE,APF_RUN,apf_submission,APF_INDEX, APF_RERUN,MATCH_APF_QUEUE NumJobStarts,"
        "JobCurrentStartDate",
        "host.example.org"};
    context_.ends = mono_now() + milliseconds{150};
    context_.on_run = [this](const Command& c) -> Result<Finished> {
      Finished f;
      f.exit_code = 0;
      if (c.argv[0] == "condor_q") {
        others_asked_ = *std::next(std::find(c.argv.begin(), c.argv.end(), "-constraint"));
        for (int i = 0; i < others_; ++i) f.out += "5\n";
      } else if (c.argv[0] == "condor_status")
        f.out = host_ + "\n";
      else if (c.argv[0] != "condor_config_val")
        ADD_FAILURE() << c.argv[0];
      else if (c.argv.back() == "FULL_HOSTNAME" && c.argv.size() == 2)
        f.out = "here.example.org\n";
      else
        for (const auto& value : settings_) f.out += value + "\n";
      return f;
    };
    make("auto");
  }
  void TearDown() override { fs::remove_all(directory_); }

  void make(const std::string& event_log) {
    Registry registry;
    register_batch_htcondor(registry);
    options_.set("history_since", Duration(seconds{3600}));
    options_.set("history_scan", std::int64_t{5000});
    options_.set("event_log", event_log);
    auto made = registry.batch.at(0).make(options_);
    ASSERT_TRUE(made) << made.error().text();
    batch_ = std::move(*made);
  }
  // As make("auto"), with this pause between gaps, and between looks at who writes the pilots' log.
  void make_with_pause(Duration pause) {
    Settings settings;
    settings.gap_pause = settings.check_pause = pause;
    auto tools = htcondor::Tools::make(options_);
    ASSERT_TRUE(tools);
    batch_ = std::make_unique<HtcondorBatch>(std::move(*tools), std::move(settings));
  }
  void append(const std::string& text) const { std::ofstream(settings_[0], std::ios::app) << text; }
  // Follows until there is something; "5.0 running", and "gap" at the end.
  std::vector<std::string> follow() {
    context_.ends = mono_now() + seconds{20};
    auto view = batch_->follow(me_, cursor_, context_);
    if (!view) return {view.error().code};
    cursor_ = view->cursor;
    std::vector<std::string> lines;
    for (const auto& p : view->data.seen) lines.push_back(p.batch_id + " " + name(p.state));
    if (!view->data.gap.empty()) lines.emplace_back("gap");
    return lines;
  }

  fs::path directory_;
  std::vector<std::string> settings_;
  std::string host_ = "here.example.org";  // of the schedd
  int others_ = 0;                         // pilots that write no log of their own
  std::string others_asked_;
  Options options_;
  FactoryIdentity me_;
  tests::FakeContext context_;
  std::unique_ptr<Batch> batch_;
  std::string cursor_;
};

TEST_F(HtcondorFeed, FollowsTheLogThatTheScheddNames) {
  append(both(0, 0));
  EXPECT_TRUE(batch_->feeds());
  EXPECT_THAT(follow(), IsEmpty()) << "the first call gives a bookmark at once";
  EXPECT_FALSE(cursor_.empty());
  append(both(0, 1) + both(1, 1));
  EXPECT_THAT(follow(), ElementsAre("5.1 pending", "5.1 running"));
  make("auto");  // the factory starts anew
  append(both(5, 1, R"("TerminatedNormally": true, "ReturnValue": 0)"));
  EXPECT_THAT(follow(), ElementsAre("5.1 done"));
  context_.ends = mono_now() + milliseconds{150};
  const auto nothing = batch_->follow(me_, cursor_, context_);
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->data.seen.empty());
  EXPECT_TRUE(nothing->complete);
  EXPECT_EQ(nothing->cursor, cursor_);
  EXPECT_EQ(nothing->evidence, "event log " + settings_[0]);
}

TEST_F(HtcondorFeed, AnEvictionIsToldAgainAfterARestartInBetween) {
  append(both(0, 0));
  EXPECT_THAT(follow(), IsEmpty());
  append(both(4, 0) + both(0, 1));
  EXPECT_THAT(follow(), ElementsAre("5.1 pending"));
  make("auto");
  EXPECT_THAT(follow(), ElementsAre("5.1 pending"));
  EXPECT_THAT(follow(), ElementsAre("5.0 failed"));
}

TEST_F(HtcondorFeed, TellsAGapOnce) {
  append(both(0, 0));
  EXPECT_THAT(follow(), IsEmpty());
  append(both(1, 0) + "garbage\n" + both(0, 1));
  EXPECT_THAT(follow(), ElementsAre("5.0 running", "5.1 pending", "gap"));
  append(both(0, 2));
  EXPECT_THAT(follow(), ElementsAre("5.2 pending"));
  cursor_ = "1 2 3 4 5";
  EXPECT_THAT(follow(), ElementsAre("gap"));
}

TEST_F(HtcondorFeed, TellsGapsOneAfterTheOtherWithPausesAndForgetsNone) {
  append(both(0, 0));
  EXPECT_THAT(follow(), IsEmpty());
  make_with_pause(seconds{3600});
  append("garbage\n" + both(0, 1));
  EXPECT_THAT(follow(), ElementsAre("5.1 pending", "gap"));
  append("more garbage\n" + both(0, 2));
  EXPECT_THAT(follow(), ElementsAre("5.2 pending")) << "each gap costs a look at the whole queue";
  const std::string untold = cursor_;
  make("auto");
  EXPECT_THAT(follow(), ElementsAre("gap")) << "a restart in between does not lose it";
  EXPECT_NE(cursor_, untold);
  make_with_pause(Duration(0));
  append("garbage\n" + both(0, 3));
  EXPECT_THAT(follow(), ElementsAre("5.3 pending", "gap"));
  append("more garbage\n" + both(0, 4));
  EXPECT_THAT(follow(), ElementsAre("5.4 pending", "gap")) << "the pause is over";
}

TEST_F(HtcondorFeed, SaysWhyItCannotFollow) {
  const auto good = settings_;
  options_.set("spooling", true);  // then there is no log of the pilots either
  make("auto");
  settings_[0] = "Not defined: EVENT_LOG";
  EXPECT_THAT(follow(), ElementsAre("htcondor.event_log_none"));
  settings_ = good;
  settings_[1] = "Not defined";
  EXPECT_THAT(follow(), ElementsAre("htcondor.event_log_format"));
  settings_ = good;
  settings_[2] = "APF_SUBMISSION,APF_INDEX,APF_FACTORY_ID,APF_RUN,APF_INSTANCE,MATCH_APF_QUEUE,NumJobStarts,JobStatus";
  const auto lacking = batch_->follow(me_, "", context_);
  ASSERT_FALSE(lacking);
  EXPECT_EQ(lacking.error().code, "htcondor.event_log_attributes");
  EXPECT_THAT(lacking.error().what, HasSubstr("lacks APF_RERUN, JobCurrentStartDate"));
  settings_ = good;
  settings_.pop_back();
  EXPECT_THAT(follow(), ElementsAre("htcondor.garbled"));
  settings_ = good;
  options_.set("schedd", std::string("s@there"));
  make("auto");
  EXPECT_THAT(follow(), ElementsAre("htcondor.event_log_elsewhere"));
  settings_[3] = "here.example.org";
  EXPECT_THAT(follow(), IsEmpty());
  settings_[0] = (directory_ / "no such place" / "EventLog").string();
  cursor_.clear();
  EXPECT_THAT(follow(), ElementsAre("htcondor.event_log_missing"));
}

// ---- the pilots' own log ----

class HtcondorPilotsLog : public HtcondorFeed {
 protected:
  void SetUp() override {
    HtcondorFeed::SetUp();
    settings_[0] = "Not defined: EVENT_LOG";
  }
  // Where the pilots' log is, or is not.
  [[nodiscard]] std::vector<fs::path> logs() const {
    std::vector<fs::path> out;
    std::error_code none;
    for (fs::directory_iterator it(directory_ / "state/htcondor/events", none), end; it != end; ++it)
      out.push_back(it->path());
    return out;
  }
  void write(const std::string& text) const {
    ASSERT_EQ(logs().size(), 1U);
    std::ofstream(logs()[0], std::ios::app) << text;
  }
  // What is sent for one pilot.
  std::string submitted() {
    const auto answer = context_.on_run;
    std::string description;
    context_.on_run = [&](const Command& c) -> Result<Finished> {
      if (c.argv[0] != "condor_submit") return answer(c);
      std::ifstream in(c.argv.back());
      description.assign(std::istreambuf_iterator<char>(in), {});
      Finished f;
      f.exit_code = 0;
      f.out = "5.0 - 5.0\n";
      return f;
    };
    QueueSpec queue;
    queue.name = "Q";
    queue.executable = "/bin/true";
    queue.submit.set("rerun_evicted", false);
    queue.submit.set("job_log", job_log_);
    me_.log_dir = directory_ / "log tree";
    SubmitOrder order;
    order.queue = &queue;
    order.me = &me_;
    order.submission = "s-5";
    order.n = 1;
    EXPECT_TRUE(batch_->submit(order, context_));
    context_.on_run = answer;
    return description;
  }
  bool job_log_ = false;
};

TEST_F(HtcondorPilotsLog, IsFollowedWhereTheScheddsCannotBe) {
  EXPECT_THAT(follow(), IsEmpty());
  ASSERT_EQ(logs().size(), 1U);
  const std::string log = logs()[0];
  EXPECT_THAT(others_asked_, HasSubstr("UserLog =!= \"" + log + "\""));
  EXPECT_THAT(others_asked_, HasSubstr("APF_FACTORY_ID =?= \"f-1\""));
  const std::string description = submitted();
  EXPECT_THAT(description,
              HasSubstr("\nlog = " + log + "\nlog_xml = true\njob_ad_information_attrs = APF_FACTORY_ID,"));
  EXPECT_THAT(description, ::testing::Not(HasSubstr("dagman_log")));
  write(both(0, 0));
  EXPECT_THAT(follow(), ElementsAre("5.0 pending"));
  make("auto");
  write(both(1, 0));
  EXPECT_THAT(follow(), ElementsAre("5.0 running")) << "the bookmark is good after a restart";
  context_.ends = mono_now() + milliseconds{150};
  const auto nothing = batch_->follow(me_, cursor_, context_);
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->evidence, "the pilots' own log " + log);
}

TEST_F(HtcondorPilotsLog, IsWrittenFromTheFirstSubmissionOn) {
  job_log_ = true;
  const std::string description = submitted();
  ASSERT_EQ(logs().size(), 1U);
  EXPECT_THAT(description, HasSubstr("\nlog = " + logs()[0].string() + "\n"));
  EXPECT_THAT(description, HasSubstr("\ndagman_log = " + (directory_ / "log tree").string())) << "beside the output";
  EXPECT_THAT(follow(), IsEmpty());
}

TEST_F(HtcondorPilotsLog, IsNotTrustedWhilePilotsDoNotWriteIt) {
  others_ = 3;
  const auto partly = batch_->follow(me_, "", context_);
  ASSERT_FALSE(partly);
  EXPECT_EQ(partly.error().code, "htcondor.user_log_partly");
  EXPECT_EQ(partly.error().kind, Kind::config) << "no alarm: polls do the work";
  EXPECT_THAT(partly.error().what, HasSubstr("3 pilots"));
  EXPECT_THAT(submitted(), HasSubstr("log_xml")) << "those that are submitted meanwhile do";
  others_ = 0;
  EXPECT_THAT(follow(), IsEmpty());
  EXPECT_FALSE(cursor_.empty());
  // something keeps it from being made: these pilots go without
  fs::remove_all(directory_ / "state/htcondor/events");
  std::ofstream(directory_ / "state/htcondor/events") << "in the way";
  EXPECT_THAT(submitted(), ::testing::Not(HasSubstr("log_xml")));
  fs::remove(directory_ / "state/htcondor/events");
  others_ = 1;
  EXPECT_THAT(follow(), ElementsAre("htcondor.user_log_partly"));
}

TEST_F(HtcondorPilotsLog, IsNoLongerTrustedWhenTheFirstLookProvesWrong) {
  make_with_pause(Duration(0));
  EXPECT_THAT(follow(), IsEmpty());
  const auto answer = context_.on_run;
  context_.on_run = [&](const Command& c) -> Result<Finished> {
    Finished hung;
    hung.timed_out = true;
    return c.argv[0] == "condor_q" ? hung : answer(c);
  };
  write(both(0, 0));
  EXPECT_THAT(follow(), ElementsAre("5.0 pending")) << "no answer proves nothing";
  context_.on_run = answer;
  others_ = 2;
  EXPECT_THAT(follow(), ElementsAre("htcondor.user_log_partly"));
  others_ = 0;
  write(both(1, 0));
  EXPECT_THAT(follow(), ElementsAre("5.0 running"));
}

TEST_F(HtcondorPilotsLog, IsNotThereForAScheddElsewhereOrAFileSystemOfItsOwn) {
  options_.set("schedd", std::string("s@there"));
  host_ = "there.example.org";
  settings_[3] = host_;
  make("auto");
  const auto elsewhere = batch_->follow(me_, "", context_);
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().code, "htcondor.event_log_none");
  EXPECT_THAT(elsewhere.error().what, HasSubstr("would be written on there.example.org"));
  EXPECT_THAT(submitted(), ::testing::Not(HasSubstr("log_xml")));
  make("pilots");
  EXPECT_THAT(follow(), ElementsAre("htcondor.user_log"));
  host_ = "here.example.org";
  make("pilots");
  EXPECT_THAT(follow(), IsEmpty());
  EXPECT_TRUE(others_asked_.find("UserLog") != std::string::npos);
  options_.set("spooling", true);
  make("pilots");
  cursor_.clear();
  EXPECT_THAT(follow(), ElementsAre("htcondor.user_log"));
  EXPECT_THAT(logs().size(), 1U);
}

TEST_F(HtcondorPilotsLog, OfTwoScheddsAreTwo) {
  EXPECT_THAT(follow(), IsEmpty());
  options_.set("schedd", std::string("s@here"));
  make("pilots");
  cursor_.clear();
  EXPECT_THAT(follow(), IsEmpty());
  EXPECT_EQ(logs().size(), 2U);
}

TEST_F(HtcondorPilotsLog, HoldsNoMoreThanWhatWasNotReadYet) {
  constexpr std::size_t kMiB = std::size_t{1} << 20U;
  EXPECT_THAT(follow(), IsEmpty());
  const std::string first = cursor_;
  const std::string others(64, '\n');  // blanks between objects are no damage
  {
    std::ofstream log(logs()[0], std::ios::app);
    for (std::size_t i = 0; i < 48 * kMiB / others.size(); ++i) log << others;
  }
  write(both(0, 0));
  EXPECT_THAT(follow(), ElementsAre("5.0 pending"));
  struct stat info{};
  ASSERT_EQ(::stat(logs()[0].c_str(), &info), 0);
  EXPECT_GT(info.st_size, 48 * kMiB) << "the length stays, and so do the places";
  EXPECT_LT(static_cast<std::size_t>(info.st_blocks) * 512, 17 * kMiB);
  make("auto");
  write(both(1, 0));
  EXPECT_THAT(follow(), ElementsAre("5.0 running")) << "what a bookmark needs is still there";
  cursor_ = first;
  EXPECT_THAT(follow(), ElementsAre("5.0 pending", "5.0 running", "gap")) << "what was given back is missed";
}

TEST_F(HtcondorFeed, AsksTheConfigurationWhenTheScheddIsDown) {
  const auto answer = context_.on_run;
  context_.on_run = [&](const Command& c) -> Result<Finished> {
    Finished down;
    down.exit_code = 1;
    down.err = "Can't find address for this schedd";
    return c.argv.at(1) == "-subsystem" ? answer(c) : down;
  };
  append(both(0, 0));
  EXPECT_THAT(follow(), IsEmpty());
  EXPECT_FALSE(cursor_.empty());
  cursor_.clear();
  options_.set("schedd", std::string("s@there"));
  host_ = "there.example.org";
  make("auto");
  EXPECT_THAT(follow(), ElementsAre("htcondor.failed"));
  context_.on_run = [&](const Command&) -> Result<Finished> {
    Finished dying;
    dying.exit_code = 1;
    dying.err = "Can't send end of message\nNot defined: EVENT_LOG\n";
    return dying;
  };
  EXPECT_THAT(follow(), ElementsAre("htcondor.failed")) << "it does not refuse";
  context_.on_run = [&](const Command& c) -> Result<Finished> {
    if (c.argv[0] == "condor_status") return answer(c);
    if (c.argv.back() == "FULL_HOSTNAME" && c.argv.size() == 2) return answer(c);
    Finished refused;
    refused.exit_code = 1;
    refused.err = "Error: not authorized";
    return refused;
  };
  const auto untold = batch_->follow(me_, "", context_);
  ASSERT_FALSE(untold);
  EXPECT_EQ(untold.error().code, "htcondor.event_log_untold");
  EXPECT_EQ(untold.error().kind, Kind::config) << "no alarm: polls do the work";
}

TEST_F(HtcondorFeed, TakesAPathAsItIsOrNone) {
  context_.on_run = nullptr;
  make(settings_[0]);
  EXPECT_THAT(follow(), IsEmpty());
  append(both(0, 2));
  EXPECT_THAT(follow(), ElementsAre("5.2 pending"));
  make("none");
  EXPECT_FALSE(batch_->feeds());
  Registry registry;
  register_batch_htcondor(registry);
  options_.set("event_log", std::string("log"));
  EXPECT_FALSE(registry.batch.at(0).make(options_));
}

TEST_F(HtcondorFeed, ReturnsWhenTheFactoryStops) {
  append(both(0, 0));
  EXPECT_THAT(follow(), IsEmpty());
  context_.stops = true;
  context_.ends = mono_now() + seconds{3600};
  EXPECT_TRUE(batch_->follow(me_, cursor_, context_));
}

}  // namespace
}  // namespace apf::batch_htcondor
