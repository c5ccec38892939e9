// follow() on recorded event logs: cases/events.json is what a schedd (HTCondor 23.9) wrote, byte for byte, of some of
// its jobs (events of memory use left out); cases/events.txt has the pilots that are read from it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "apf/registry.h"
#include "hold.h"
#include "htcondor.h"
#include "support/fake_context.h"

namespace apf {
void register_batch_htcondor(Registry& registry);
}

namespace apf::batch_htcondor {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const char* name_of(HoldKind kind) {
  switch (kind) {
    case HoldKind::none: return "-";
    case HoldKind::passing: return "passing";
    case HoldKind::permanent: return "permanent";
    case HoldKind::people: return "people";
  }
  return "?";
}

std::string dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string shown(const PilotSeen& p) {
  const auto time = [](Wall w) { return w.ms == 0 ? std::string("-") : iso8601(w).substr(11, 8); };
  return fmt::format("{} {} {} {} {}{} {} {} {} {} {} {} {} {}", p.batch_id, p.submission, p.index, p.run,
                     p.foreign ? "!" : "", name(p.state), time(p.submitted), time(p.started), time(p.ended),
                     p.exit_code, p.wall_s, dash(p.node), name_of(p.hold), dash(p.reason));
}

std::string slurp(const std::string& file) {
  std::ifstream in(std::string(APF_SOURCE_DIR) + "/plugins/batch/htcondor/cases/" + file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::string> expected() {
  std::vector<std::string> out;
  std::istringstream in(slurp("events.txt"));
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line[0] != '#') out.push_back(line);
  return out;
}

// What the pilots of a text are when it arrives in pieces of these sizes, at the times that its events name.
std::vector<std::string> pilots_of(std::string_view text, const std::vector<std::size_t>& sizes) {
  htcondor::ObjectSplitter splitter;
  PilotEvents events("f-1", "i1");
  std::vector<PilotSeen> out;
  Mono now;
  std::size_t piece = 0;
  while (!text.empty()) {
    const std::size_t n = std::min(sizes[piece++ % sizes.size()], text.size());
    splitter.add(text.substr(0, n));
    text.remove_prefix(n);
    while (const auto object = splitter.next()) {
      const auto event = htcondor::decode_event(*object);
      EXPECT_TRUE(event);
      if (!event) continue;
      now = Mono{event->at.ms * 1'000'000};
      events.settle(now, out);
      events.take(*event, now, [] { return std::string("here"); }, out);
    }
  }
  events.settle(now + seconds{5}, out);
  EXPECT_EQ(events.take_doubt(), "");
  EXPECT_EQ(splitter.damages(), 0U);
  std::vector<std::string> lines;
  for (const auto& p : out) lines.push_back(shown(p));
  return lines;
}

TEST(HtcondorEvents, ArePilotsAsRecordedHoweverTheTextIsChopped) {
  const std::string text = slurp("events.json");
  ASSERT_GT(text.size(), 10'000U);
  ASSERT_THAT(pilots_of(text, {text.size()}), ::testing::ElementsAreArray(expected()));
  EXPECT_EQ(pilots_of(text, {1}), expected());
  std::mt19937 random(11);  // NOLINT(*-msc51-cpp,cert-msc32-c): the same in each run
  for (int i = 0; i < 20; ++i) {
    std::vector<std::size_t> sizes(5);
    for (auto& s : sizes) s = 1 + random() % 4000;
    ASSERT_EQ(pilots_of(text, sizes), expected());
  }
}

// The same jobs' user log in XML form (cases/user_log.xml) and in the schedd's event log (cases/user_log.json).
TEST(HtcondorEvents, AreTheSamePilotsInEitherForm) {
  const std::string xml = slurp("user_log.xml");
  const auto pilots = pilots_of(xml, {xml.size()});
  EXPECT_EQ(pilots, pilots_of(slurp("user_log.json"), {1000}));
  EXPECT_EQ(pilots, pilots_of(xml, {1}));
  for (const char* state : {" pending ", " running ", " held ", " removed ", " failed ", " done "})
    EXPECT_THAT(pilots, ::testing::Contains(HasSubstr(state)));
}

TEST(HtcondorEvents, HoldsAreOfThreeKinds) {
  EXPECT_EQ(hold_kind(1, 0), HoldKind::people);
  EXPECT_EQ(hold_kind(15, 0), HoldKind::people);
  EXPECT_EQ(hold_kind(13, 2), HoldKind::passing);
  EXPECT_EQ(hold_kind(6, 8), HoldKind::permanent);
  EXPECT_EQ(hold_kind(6, 2), HoldKind::passing);
  EXPECT_EQ(hold_kind(34, 0), HoldKind::permanent);
  EXPECT_EQ(hold_kind(26, 0), HoldKind::permanent);
  EXPECT_EQ(hold_kind(0, 0), HoldKind::passing);
  EXPECT_EQ(hold_kind(4711, 0), HoldKind::passing);
}

// Events that are made up, for what is hard to record.
class MadeEvents : public ::testing::Test {
 protected:
  static std::string event(int type, int proc, const std::string& more = "") {
    return fmt::format(
        "{{\n  \"Cluster\": 5,\n  \"Proc\": {},\n  \"EventTypeNumber\": {},\n  \"EventTime\": "
        "\"2026-11-22T03:11:30.023Z\"{}{}\n}}\n",
        proc, type, more.empty() ? "" : ", ", more);
  }
  // The information event after an event of this type.
  static std::string about(int type, int proc, const std::string& more = "") {
    return event(
        28, proc,
        fmt::format(R"("TriggerEventTypeNumber": {}, "APF_FACTORY_ID": "f-1", "APF_INSTANCE": "i1", "APF_RUN": 3,
  "APF_SUBMISSION": "s-5", "APF_INDEX": {}, "APF_RERUN": false, "MATCH_APF_QUEUE": "Q", "NumJobStarts": 1{}{})",
                    type, proc, more.empty() ? "" : ", ", more));
  }
  static std::string both(int type, int proc, const std::string& more = "") {
    return event(type, proc, more) + about(type, proc, more);
  }

  void take(const std::string& text) {
    splitter_.add(text);
    while (const auto object = splitter_.next()) {
      const auto e = htcondor::decode_event(*object);
      ASSERT_TRUE(e);
      events_.take(*e, now_, [this] { return fmt::format("place {}", ++places_); }, out_);
    }
  }
  // "5.0 running" for what came since the last call, after waiting so long.
  std::vector<std::string> told(Duration later = Duration(0)) {
    now_ = now_ + later;
    events_.settle(now_, out_);
    std::vector<std::string> lines;
    for (const auto& p : out_) lines.push_back(p.batch_id + " " + name(p.state));
    out_.clear();
    return lines;
  }

  htcondor::ObjectSplitter splitter_;
  PilotEvents events_{"f-1", "i1"};
  Mono now_{1'000'000'000'000};
  std::vector<PilotSeen> out_;
  int places_ = 0;
};

TEST_F(MadeEvents, AnEvictionThatEndsInAHoldOrARemovalIsNone) {
  take(both(4, 0) + both(12, 0, R"("HoldReasonCode": 1)") + both(4, 1) + both(9, 1) + both(4, 2));
  EXPECT_THAT(told(), ElementsAre("5.0 held", "5.1 removed"));
  EXPECT_TRUE(events_.due());
  EXPECT_THAT(told(milliseconds{500}), IsEmpty());
  EXPECT_THAT(told(milliseconds{600}), ElementsAre("5.2 failed"));
  EXPECT_FALSE(events_.due());
}

TEST_F(MadeEvents, AnEvictedPilotThatMayRunAgainOrNeverRanIsPending) {
  const std::string rerun = R"("APF_RERUN": true)", never = R"("NumJobStarts": 0)";
  std::string again = about(4, 0), unstarted = about(7, 1);
  again.replace(again.find(R"("APF_RERUN": false)"), 18, rerun);
  unstarted.replace(unstarted.find(R"("NumJobStarts": 1)"), 17, never);
  take(again + unstarted);
  EXPECT_THAT(told(seconds{2}), ElementsAre("5.0 pending", "5.1 pending"));
}

TEST_F(MadeEvents, AReleasedPilotThatRanBeforeNeverRunsAgain) {
  std::string waiting = about(13, 1);
  waiting.replace(waiting.find(R"("NumJobStarts": 1)"), 17, R"("NumJobStarts": 0)");
  take(about(13, 0) + waiting);
  EXPECT_THAT(told(), ElementsAre("5.1 pending"));
  EXPECT_THAT(told(seconds{1}), ElementsAre("5.0 failed"));
}

TEST_F(MadeEvents, EventsWithoutInformationAreUnderstoodFromEarlierOnes) {
  take(both(0, 0) + event(1, 0));
  EXPECT_THAT(told(), ElementsAre("5.0 pending"));
  EXPECT_THAT(told(seconds{1}), ElementsAre("5.0 running"));
  EXPECT_EQ(events_.take_doubt(), "");
  take(event(5, 0, R"("TerminatedNormally": true, "ReturnValue": 3)") + event(9, 0));
  EXPECT_THAT(told(), ElementsAre("5.0 done")) << "what comes next settles it at once";
  EXPECT_EQ(events_.take_doubt(), "");
}

TEST_F(MadeEvents, EventsOfAJobThatIsNotKnownAreADoubt) {
  take(event(1, 0));
  EXPECT_EQ(events_.take_doubt(), "") << "its information may come";
  EXPECT_THAT(told(seconds{1}), IsEmpty());
  EXPECT_NE(events_.take_doubt(), "");
  EXPECT_EQ(events_.take_doubt(), "");
  take(both(1, 1) + event(4, 1));
  EXPECT_THAT(told(seconds{1}), ElementsAre("5.1 running")) << "whether it ran before its eviction is not known";
  EXPECT_NE(events_.take_doubt(), "");
  std::string broken = about(1, 2);
  broken.replace(broken.find("APF_SUBMISSION"), 14, "APF_SUBMISSIOM");
  take(broken);
  EXPECT_NE(events_.take_doubt(), "");
}

TEST_F(MadeEvents, InformationMayComeAfterEventsOfOtherJobs) {
  take(event(1, 0) + event(1, 1) + about(1, 1) + about(1, 0));
  EXPECT_THAT(told(), ElementsAre("5.1 running", "5.0 running"));
  EXPECT_THAT(told(seconds{5}), IsEmpty());
  EXPECT_EQ(events_.take_doubt(), "");
}

TEST_F(MadeEvents, OthersJobsAreLeftOut) {
  std::string other = about(1, 0);
  other.replace(other.find("\"f-1\""), 5, "\"f-2\"");
  const std::string none = event(28, 1, R"("TriggerEventTypeNumber": 1)");
  std::string foreign = about(1, 2);
  foreign.replace(foreign.find("\"i1\""), 4, "\"i0\"");
  take(event(1, 0) + other + event(1, 1) + none + foreign);
  ASSERT_EQ(out_.size(), 1U);
  EXPECT_TRUE(out_[0].foreign);
  EXPECT_THAT(told(seconds{5}), ElementsAre("5.2 running"));
  EXPECT_EQ(events_.take_doubt(), "");
}

TEST_F(MadeEvents, TheBookmarkStandsBeforeWhatIsKeptBack) {
  take(both(0, 0));
  EXPECT_EQ(events_.oldest(), std::nullopt);
  take(about(4, 0));
  const auto first = events_.oldest();
  ASSERT_TRUE(first);
  take(about(4, 1));
  EXPECT_EQ(events_.oldest(), first);
  take(about(9, 0));
  EXPECT_NE(events_.oldest(), first);
  EXPECT_NE(events_.oldest(), std::nullopt);
}

TEST_F(MadeEvents, EventsThatChangeNothingAreIgnored) {
  for (const int type : {6, 8, 21, 22, 25, 26, 27, 33, 35, 36, 37, 38, 99}) take(both(type, 0));
  take(both(40, 0, "\"Type\": 6") + both(40, 0, "\"Type\": 3"));
  EXPECT_THAT(told(seconds{5}), IsEmpty());
  EXPECT_EQ(events_.take_doubt(), "");
  take(both(40, 0, "\"Type\": 2") + both(40, 0, "\"Type\": 5") + both(10, 0) + both(11, 0) + both(29, 0) + both(30, 0));
  EXPECT_THAT(told(), ElementsAre("5.0 running", "5.0 transferring", "5.0 suspended", "5.0 running", "5.0 unknown",
                                  "5.0 running"));
}

// ---- the plug-in -----------------------------------------------------------------------------------------------

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
