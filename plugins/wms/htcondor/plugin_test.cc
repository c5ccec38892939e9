// wms/htcondor on a fake Context and a log that the test writes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "apf/registry.h"
#include "jobs.h"
#include "support/fake_context.h"

namespace apf {
void register_wms_htcondor(Registry& registry);
}

namespace apf::wms_htcondor {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string shown(const std::vector<Demand>& cells) {
  std::string out;
  for (const auto& d : cells)
    out += fmt::format("{}/{}/{} {}+{}+{} ", d.wms_queue, d.job_label, d.resource_type, d.notready, d.ready, d.running);
  return out;
}

TEST(HtcondorJobs, AreCounted) {
  const Grouping site{"SITE", "", "", ""}, rest{"SITE", "rest", "", ""}, all{"SITE", "", "Label", "Kind"};
  struct Case {
    const char* out;
    const Grouping& grouping;
    const char* cells;
    std::size_t without, unusable;
  };
  const Case cases[] = {
      {"", site, "", 0, 0},
      {"1\t\"X\"\n1\t\"X\"\n2\t\"X\"\n", site, "X// 0+2+1 ", 0, 0},
      {"5\t\"X\"\n6\t\"X\"\n7\t\"X\"\n3\t\"X\"\n4\t\"X\"\n", site, "X// 1+0+2 ", 0, 0},
      {"4\t\"X\"\n", site, "", 0, 0},
      {"1\t\"b c\"\n1\t\"a\"\n", site, "a// 0+1+0 b c// 0+1+0 ", 0, 0},
      {"1\tundefined\n1\tfalse\n1\terror\n", site, "", 1, 2},
      {"1\tundefined\n1\tfalse\n1\t\"rest\"\n", rest, "rest// 0+2+0 ", 0, 1},
      {"1\t\"X\"\t\"u\"\t\"MCORE\"\n1\t\"X\"\tundefined\tundefined\n1\t\"X\"\t\"u\"\tfalse\n", all,
       "X// 0+1+0 X/u/MCORE 0+1+0 ", 0, 1},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.out);
    const auto jobs = read(c.out, c.grouping);
    ASSERT_TRUE(jobs) << jobs.error().text();
    EXPECT_EQ(shown(jobs->cells), c.cells);
    EXPECT_EQ(jobs->without, c.without);
    EXPECT_EQ(jobs->unusable, c.unusable);
    EXPECT_EQ(jobs->rows, static_cast<std::size_t>(std::count(c.out, c.out + std::string(c.out).size(), '\n')));
  }
}

TEST(HtcondorJobs, AGarbledAnswerIsNone) {
  const Grouping site{"SITE", "", "", ""};
  for (const char* out : {"1\t\"X\"", "1\t\"X", "\n", "1\n", "1\t\"X\"\t\"Y\"\n", "0\t\"X\"\n", "8\t\"X\"\n",
                          "true\t\"X\"\n", "undefined\t\"X\"\n", "\"1\"\t\"X\"\n", "1\t5\n", "1\ttrue\n", "1\t\"\"\n",
                          "1\t\"a\\\\\"\n", "1\t\"<b>\"\n", "<html>\n", "1\t\"X\"\n2\t\"X"}) {
    SCOPED_TRACE(out);
    const auto jobs = read(out, site);
    ASSERT_FALSE(jobs);
    EXPECT_EQ(jobs.error().kind, Kind::transient);
    EXPECT_EQ(jobs.error().code, "htcondor.garbled");
  }
}

// ---- the plug-in -----------------------------------------------------------------------------------------------

class HtcondorDemand : public testing::Test {
 protected:
  void SetUp() override {
    std::string directory = (fs::temp_directory_path() / "apf-wms-XXXXXX").string();
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    directory_ = directory;
    std::ofstream(log()) << "000 (001.000.000) 2026-11-22 03:00:00 Job submitted\n...\n";
    options_.set("group_by", std::string("SITE"));
    options_.set("longest_wait", Duration(seconds{300}));
    options_.set("event_log", std::string("none"));
    context_.on_run = [this](const Command& command) { return answer(command.argv); };
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string log() const { return directory_ / "EventLog"; }
  void append() const { std::ofstream(log(), std::ios::app) << "009 (001.000.000) 2026-11-22 03:00:01 aborted\n...\n"; }

  Result<Finished> answer(const std::vector<std::string>& argv) {
    asked_.push_back(argv);
    Finished f;
    f.exit_code = exit_code_;
    f.out = out_;
    if (argv.front() == "condor_config_val") f.out = config_;
    if (argv.back() == "-totals") f.out = fmt::format("Total for query: {} jobs; 0 completed\n", totals_);
    return f;
  }

  Result<std::unique_ptr<Wms>> make() const {
    Registry registry;
    register_wms_htcondor(registry);
    return find(registry.wms, "htcondor")->make(options_);
  }
  void start() {
    auto made = make();
    ASSERT_TRUE(made) << made.error().text();
    wms_ = std::move(*made);
  }
  // Polls with the last view's cursor.
  Result<View<DemandData>> poll() {
    auto view = wms_->poll(queues_, cursor_, context_);
    cursor_ = view ? view->cursor : "";
    return view;
  }

  fs::path directory_;
  Options options_;
  tests::FakeContext context_;
  std::unique_ptr<Wms> wms_;
  std::vector<std::string> queues_{"X", "Y"};
  std::string cursor_, out_, config_;
  int exit_code_ = 0;
  std::size_t totals_ = 0;
  std::vector<std::vector<std::string>> asked_;
};

TEST_F(HtcondorDemand, IsOneQueryAndEveryQueueExists) {
  options_.set("schedd", std::string("s1"));
  options_.set("constraint", std::string("Owner == \"me\""));
  options_.set("job_label", std::string("Label"));
  start();
  out_ = "1\t\"X\"\tundefined\n2\t\"X\"\tundefined\n1\t\"unasked\"\tundefined\n1\tundefined\tundefined\n";
  const auto view = poll();
  ASSERT_TRUE(view) << view.error().text();
  EXPECT_EQ(shown(view->data.cells), "X// 0+1+1 ");
  const std::vector<std::pair<std::string, std::string>> sites{{"X", "online"}, {"Y", "online"}};
  EXPECT_EQ(view->data.sites, sites);
  EXPECT_TRUE(view->complete);
  EXPECT_THAT(view->evidence, HasSubstr("4 jobs, 1 without SITE"));
  EXPECT_FALSE(wms_->pushes());
  EXPECT_EQ(view->cursor, "");
  ASSERT_EQ(asked_.size(), 1U);
  const std::vector<std::string> begin(asked_[0].begin(), asked_[0].begin() + 8);
  EXPECT_THAT(begin, ElementsAre("condor_q", "-name", "s1", "-allusers", "-constraint",
                                 "APF_FACTORY_ID =?= undefined && (Owner == \"me\")", "-af:tV", "JobStatus"));
  EXPECT_EQ(asked_[0].size(), 10U);
  EXPECT_THAT(asked_[0][8], HasSubstr("string(SITE)"));
  EXPECT_THAT(asked_[0][9], HasSubstr("string(Label)"));
}

TEST_F(HtcondorDemand, AQueueThatNoJobCanNameDoesNotExist) {
  start();
  queues_ = {"X", "a\"b"};
  const auto view = poll();
  ASSERT_TRUE(view);
  EXPECT_EQ(view->data.sites.size(), 1U);
}

TEST_F(HtcondorDemand, SaysOnceThatValuesAreUnusable) {
  start();
  out_ = "1\tfalse\n";
  ASSERT_TRUE(poll());
  ASSERT_TRUE(poll());
  EXPECT_EQ(context_.logged.size(), 1U);
}

TEST_F(HtcondorDemand, AFailureIsNeverZero) {
  start();
  exit_code_ = 1;
  EXPECT_FALSE(poll());
  exit_code_ = 0;
  out_ = "garbage\n";
  EXPECT_FALSE(poll());
}

TEST_F(HtcondorDemand, AskedTwiceWhenManyJobsComeOrGo) {
  const auto rows = [](int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += "1\t\"X\"\n";
    return out;
  };
  struct Case {
    int rows;
    std::size_t totals;
    bool good, asked;
  };
  start();
  const Case cases[] = {
      {10, 0, true, false},   // a few jobs are no matter
      {40, 20, false, true},  // the list is too long
      {40, 40, true, true},  {31, 0, true, false},   {0, 31, false, true},
      {0, 2, true, true},    {400, 385, true, true},  // some left between the two answers
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(fmt::format("{} rows, {} by the totals", c.rows, c.totals));
    out_ = rows(c.rows);
    totals_ = c.totals;
    asked_.clear();
    const auto view = poll();
    EXPECT_EQ(view.has_value(), c.good);
    EXPECT_EQ(view ? "" : view.error().code, c.good ? "" : "htcondor.suspect");
    EXPECT_EQ(asked_.size(), c.asked ? 2U : 1U);
  }
}

TEST_F(HtcondorDemand, WaitsUntilTheLogGrows) {
  options_.set("event_log", log());
  start();
  ASSERT_TRUE(poll());
  EXPECT_TRUE(wms_->pushes()) << "the form of the log does not matter";
  EXPECT_NE(cursor_, "");
  EXPECT_THAT(context_.slept, IsEmpty());
  ASSERT_TRUE(poll());  // what happened before the log was opened
  ASSERT_EQ(context_.slept.size(), 1U) << "no second query at once";
  EXPECT_LE(context_.slept[0], Duration(seconds{10}));

  append();
  ASSERT_TRUE(poll());
  ASSERT_TRUE(poll());  // the schedd may have been behind the log
  EXPECT_EQ(asked_.size(), 4U);

  context_.ends = mono_now() + milliseconds{400};
  ASSERT_TRUE(poll()) << "would be 300 s without the deadline";
}

TEST_F(HtcondorDemand, AsksAfterAWhileAllTheSame) {
  options_.set("event_log", log());
  options_.set("longest_wait", Duration(milliseconds{300}));
  start();
  ASSERT_TRUE(poll());
  ASSERT_TRUE(poll());
  const auto view = poll();
  ASSERT_TRUE(view);
  EXPECT_LE(view->data.lag, -Duration(milliseconds{300})) << "it waited, and the answer is from after that";
  EXPECT_EQ(asked_.size(), 3U);
}

TEST_F(HtcondorDemand, OtherQueuesAreAnsweredAtOnce) {
  options_.set("event_log", log());
  start();
  ASSERT_TRUE(poll());
  ASSERT_TRUE(poll());
  queues_ = {"Z"};
  ASSERT_TRUE(poll());  // would take 300 s
  context_.stops = true;
  ASSERT_TRUE(poll());
}

TEST_F(HtcondorDemand, AsksTheScheddForItsLog) {
  options_.set("event_log", std::string("auto"));
  config_ = log() + "\nNot defined: EVENT_LOG_FORMAT_OPTIONS\nNot defined: X\nhost\n";
  start();
  ASSERT_TRUE(poll());
  EXPECT_TRUE(wms_->pushes());
  EXPECT_THAT(context_.logged, IsEmpty());
}

TEST_F(HtcondorDemand, IsPolledWithoutALog) {
  for (const std::string log : {"Not defined: EVENT_LOG", "/nonexistent/folder/EventLog"}) {
    SCOPED_TRACE(log);
    options_.set("event_log", std::string("auto"));
    config_ = log + "\nNot defined: EVENT_LOG_FORMAT_OPTIONS\nNot defined: X\nhost\n";
    context_.logged.clear();
    asked_.clear();
    start();
    ASSERT_TRUE(poll());
    ASSERT_TRUE(poll());
    EXPECT_FALSE(wms_->pushes());
    EXPECT_EQ(cursor_, "");
    EXPECT_EQ(context_.logged.size(), 1U);
    EXPECT_EQ(asked_.size(), 3U) << "the log is not looked for at each poll";
  }
}

TEST_F(HtcondorDemand, BadOptionsAreRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"group_by", "SITE == 1"},
      {"group_by", ""},
      {"group_by", "1x"},
      {"job_label", "a b"},
      {"resource_type", "x\n"},
      {"default_queue", "a\"b"},
      {"event_log", "relative"},
      {"constraint", "true) || (true"},
      {"constraint", "Owner == \""},
      {"constraint", "true\nx"},
  };
  const Options good = options_;
  for (const auto& [option, value] : cases) {
    SCOPED_TRACE(fmt::format("{} = {}", option, value));
    options_ = good;
    options_.set(option, std::string(value));
    const auto made = make();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, Kind::config);
    EXPECT_THAT(made.error().text(), HasSubstr(option));
  }
}

}  // namespace
}  // namespace apf::wms_htcondor
