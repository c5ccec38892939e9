// The plug-in on a fake Context: outputs of the real tools are data in cases/.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "apf/registry.h"
#include "describe.h"
#include "htcondor/text.h"
#include "view.h"

namespace apf {
void register_batch_htcondor(Registry& registry);
}

namespace apf::batch_htcondor {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Blocks of "## title" and their lines.
struct Case {
  std::string title;
  std::vector<std::string> lines;
};
std::vector<Case> cases(const std::string& file) {
  std::ifstream in(std::string(APF_SOURCE_DIR) + "/plugins/batch/htcondor/cases/" + file);
  std::vector<Case> out;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("## "))
      out.push_back({line.substr(3), {}});
    else if (!out.empty() && !line.empty())
      out.back().lines.push_back(line);
  }
  return out;
}
// The rest of the lines that begin with `word`.
std::string text_of(const Case& c, const std::string& word) {
  std::string out;
  for (const auto& line : c.lines)
    if (line.starts_with(word + " ")) out += line.substr(word.size() + 1) + "\n";
  return out;
}

Finished ended_with(int exit_code, std::string out, std::string err = "") {
  Finished f;
  f.exit_code = exit_code;
  f.out = std::move(out);
  f.err = std::move(err);
  return f;
}

std::string dash(const std::string& text) { return text.empty() ? "-" : text; }

TEST(HtcondorViews, AreReadAsRecorded) {
  const auto all = cases("views.txt");
  ASSERT_GE(all.size(), 13U);
  for (const auto& c : all) {
    SCOPED_TRACE(c.title);
    const std::string past = text_of(c, "history");
    const auto pilots =
        past.empty() ? read(text_of(c, "queue"), Listing::queue, "i1") : read(past, Listing::history, "i1");
    std::ostringstream got;
    if (!pilots) {
      const std::string expected = text_of(c, "=> error");
      ASSERT_FALSE(expected.empty()) << pilots.error().text();
      EXPECT_THAT(pilots.error().what, HasSubstr(expected.substr(0, expected.size() - 1)));
      EXPECT_EQ(pilots.error().kind, Kind::transient);
      continue;
    }
    for (const auto& p : *pilots)
      got << p.batch_id << ' ' << p.submission << ' ' << p.index << ' ' << p.run << ' ' << (p.foreign ? "!" : "")
          << name(p.state) << ' ' << p.exit_code << ' ' << dash(p.node) << ' ' << dash(p.reason) << '\n';
    EXPECT_EQ(got.str(), text_of(c, "=>"));
  }
}

// ---- the plug-in -----------------------------------------------------------------------------------------------

// Answers commands by a function; keeps what was asked.
class FakeContext final : public Context {
 public:
  std::function<Finished(const Command&)> answer = [](const Command&) { return ended_with(0, ""); };
  std::vector<std::vector<std::string>> asked;
  std::vector<std::string> logged;

  [[nodiscard]] Mono deadline() const override { return mono_now() + seconds{10}; }
  [[nodiscard]] bool stopping() const override { return false; }
  void log(Level /*level*/, std::string_view message) override { logged.emplace_back(message); }
  Result<Finished> run(const Command& command) override {
    asked.push_back(command.argv);
    return answer(command);
  }
  Result<HttpReply> http(const HttpRequest& /*request*/) override { return fail(Kind::bug, "test", "no http"); }
  Result<std::string> credential(std::string_view /*file*/) override { return fail(Kind::bug, "test", "no secrets"); }
  void sleep(Duration /*d*/) override {}
};

std::string row(int cluster, int proc, int status) {
  std::ostringstream out;
  out << cluster << '\t' << proc << '\t' << status << "\t0\t1795306512\tundefined\t1795306512\t3\t" << proc
      << "\tfalse\t\"s-" << cluster << "\"\t\"i1\"\t\"Q\"\t" << (status == 4 ? "0" : "undefined")
      << "\tfalse\tundefined\tundefined\tundefined\tundefined";
  return out.str();
}
std::string live_row(int cluster, int proc, int status = 1) { return row(cluster, proc, status) + "\n"; }
std::string past_row(int cluster, int proc) { return row(cluster, proc, 4) + "\t1.0\t0.5\t0.5\n"; }

class HtcondorPlugin : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string directory = (fs::temp_directory_path() / "apf-htcondor-XXXXXX").string();
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    directory_ = directory;
    me_.factory_id = "factory-1";
    me_.instance = "i1";
    me_.run = 3;
    me_.log_dir = directory_ / "logs";
    me_.state_dir = directory_ / "state";
    me_.log_url = "http://h/logs";
    queue_.name = "Q";
    queue_.executable = "/bin/pilot";
    queue_.submit.set("rerun_evicted", false);
    queue_.submit.set("job_log", true);
    make();
  }
  void TearDown() override { fs::remove_all(directory_); }

  void make() {
    Registry registry;
    register_batch_htcondor(registry);
    options_.set("history_since", Duration(seconds{3600}));
    options_.set("history_scan", std::int64_t{5000});
    options_.set("event_log", std::string("none"));
    auto made = registry.batch.at(0).make(options_);
    ASSERT_TRUE(made) << made.error().text();
    batch_ = std::move(*made);
  }
  SubmitOrder order(int n = 3) {
    SubmitOrder o;
    o.queue = &queue_;
    o.me = &me_;
    o.submission = "s-1";
    o.n = n;
    o.report_key = "secret";
    o.when = Wall{1'795'300'000'000};
    return o;
  }
  // condor_q and condor_history answer with these texts; condor_q -totals with a number.
  void answers(const std::string& live, const std::string& past, int total = 0) {
    context_.answer = [=](const Command& c) {
      const bool totals = c.argv.back() == "-totals";
      const std::string count = "\nTotal for query: " + std::to_string(total) + " jobs; 0 completed\n";
      const std::string& out = totals ? count : c.argv[0].ends_with("condor_q") ? live : past;
      return ended_with(0, out);
    };
  }
  // How often the tools for views were asked.
  std::size_t looks() const {
    return static_cast<std::size_t>(std::count_if(context_.asked.begin(), context_.asked.end(), [](const auto& argv) {
      return argv[0].ends_with("condor_q") || argv[0].ends_with("condor_history");
    }));
  }
  fs::path spool() const { return fs::path(me_.state_dir) / "htcondor"; }

  fs::path directory_;
  Options options_;
  FactoryIdentity me_;
  QueueSpec queue_;
  FakeContext context_;
  std::unique_ptr<Batch> batch_;
};

Finished finished_as(const Case& c) {
  Finished f = ended_with(0, text_of(c, "out"), text_of(c, "err"));
  if (const std::string code = text_of(c, "exit"); !code.empty()) f.exit_code = std::stoi(code);
  if (const std::string signal = text_of(c, "signal"); !signal.empty()) {
    f.signal = std::stoi(signal);
    f.exit_code = -1;
  }
  if (!c.lines.empty() && c.lines.front() == "timeout") {
    f.timed_out = true;
    f.exit_code = -1;
  }
  return f;
}

TEST_F(HtcondorPlugin, SubmissionsEndAsRecorded) {
  const auto all = cases("submits.txt");
  ASSERT_GE(all.size(), 18U);
  for (const auto& c : all) {
    SCOPED_TRACE(c.title);
    context_.answer = [&](const Command&) { return finished_as(c); };
    const auto ids = batch_->submit(order(), context_);
    std::string got;
    if (ids)
      for (const auto& id : *ids) got += (got.empty() ? "" : " ") + id;
    else
      got = std::string(name(ids.error().kind)) + " " + ids.error().code;
    EXPECT_EQ(got + "\n", text_of(c, "=>"));
    const bool may_exist = ids || ids.error().kind == Kind::uncertain;
    EXPECT_EQ(fs::exists(spool() / "s-1.3.key"), may_exist) << "pilots that may exist need their key";
    fs::remove_all(spool());
  }
}

TEST_F(HtcondorPlugin, TheKeyTravelsInAFileThatOthersCannotRead) {
  std::string description;
  context_.answer = [&](const Command& c) {
    std::ifstream in(c.argv.back());
    description.assign(std::istreambuf_iterator<char>(in), {});
    return ended_with(0, "5.0 - 5.2\n");
  };
  ASSERT_TRUE(batch_->submit(order(), context_));
  EXPECT_THAT(description, Not(HasSubstr("secret")));
  const fs::path key = spool() / "s-1.3.key";
  EXPECT_THAT(description, HasSubstr("transfer_input_files = " + key.string() + "\n"));
  struct stat info{};
  ASSERT_EQ(::stat(key.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(fs::status(key.parent_path()).permissions(), fs::perms::owner_all);
  EXPECT_TRUE(fs::is_directory(fs::path(me_.log_dir) / "2026-11-21" / "Q"));
}

TEST_F(HtcondorPlugin, NamesScheddPoolAndToolsAsConfigured) {
  options_.set("tools", std::string("/opt/condor/bin"));
  options_.set("schedd", std::string("s@h"));
  options_.set("pool", std::string("cm.h"));
  make();
  ASSERT_TRUE(batch_->poll(me_, "", context_));
  EXPECT_THAT(context_.asked.at(0), ::testing::Contains("-constraint"));
  context_.asked[0].resize(5);
  EXPECT_THAT(context_.asked[0], ElementsAre("/opt/condor/bin/condor_q", "-name", "s@h", "-pool", "cm.h"));
}

TEST_F(HtcondorPlugin, AsksTheHistoryOnlyWhenPilotsLeft) {
  answers(live_row(1, 0) + live_row(1, 1), "");
  auto view = batch_->poll(me_, "", context_);
  ASSERT_TRUE(view);
  EXPECT_EQ(looks(), 2U) << "the first poll looks back";
  view = batch_->poll(me_, view->cursor, context_);
  EXPECT_EQ(looks(), 3U) << "nobody left";
  answers(live_row(1, 1), past_row(1, 0));
  view = batch_->poll(me_, view->cursor, context_);
  ASSERT_TRUE(view);
  EXPECT_EQ(looks(), 5U);
  ASSERT_EQ(view->data.ended.size(), 1U);
  EXPECT_EQ(view->data.ended[0].batch_id, "1.0");
  EXPECT_EQ(view->data.live.size(), 1U);
  EXPECT_TRUE(view->complete);
  EXPECT_EQ(view->cursor, "1.0 1.0");
  view = batch_->poll(me_, view->cursor, context_);
  EXPECT_EQ(looks(), 6U) << "it is accounted for";
  answers("", past_row(1, 1) + past_row(1, 0));
  view = batch_->poll(me_, view->cursor, context_);
  ASSERT_TRUE(view);
  EXPECT_THAT(context_.asked.back(), ::testing::IsSupersetOf({"-since", "1.0"}));
  EXPECT_EQ(view->cursor, "1.0 1.1");
}

TEST_F(HtcondorPlugin, LooksForPilotsThatEndedBeforeTheyWereEverSeen) {
  answers("", "");
  auto view = batch_->poll(me_, "", context_);
  context_.answer = [](const Command&) { return ended_with(0, "7.0 - 7.0\n"); };
  ASSERT_TRUE(batch_->submit(order(1), context_));
  answers("", past_row(7, 0));
  view = batch_->poll(me_, view->cursor, context_);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->data.ended.size(), 1U);
}

TEST_F(HtcondorPlugin, LooksForPilotsThatWereFoundAndEndedBeforeTheNextView) {
  answers("", "");
  auto view = batch_->poll(me_, "", context_);
  ASSERT_TRUE(view);
  answers(live_row(7, 0), "");
  const std::vector<std::string> ids{"s-1"};
  ASSERT_TRUE(batch_->find(me_, ids, context_));
  answers("", past_row(7, 0));
  view = batch_->poll(me_, view->cursor, context_);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->data.ended.size(), 1U);
}

TEST_F(HtcondorPlugin, LooksForPilotsThatLeftBehindAListThatDidNotShowAll) {
  answers("", "");
  auto view = batch_->poll(me_, "", context_);  // after a restart; 7.0 and 7.1 are there
  ASSERT_TRUE(view);
  answers(live_row(7, 1), past_row(7, 0));
  view = batch_->poll(me_, view->cursor, context_);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->data.ended.size(), 1U);
}

TEST_F(HtcondorPlugin, APilotThatEndsBetweenTheTwoQuestionsIsToldOnce) {
  answers(live_row(1, 0, 2), past_row(1, 0));
  const auto view = batch_->poll(me_, "", context_);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->data.live.empty());
  EXPECT_EQ(view->data.ended.size(), 1U);
}

TEST_F(HtcondorPlugin, AFailingHistoryDoesNotSpoilTheQueue) {
  context_.answer = [](const Command& c) {
    return c.argv[0] == "condor_q" ? ended_with(0, live_row(1, 0)) : ended_with(1, "", "no such file");
  };
  const auto view = batch_->poll(me_, "5.0 6.0", context_);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->data.live.size(), 1U);
  EXPECT_EQ(view->cursor, "5.0 6.0");
  EXPECT_EQ(context_.logged.size(), 1U);
}

TEST_F(HtcondorPlugin, AViewThatLostManyPilotsIsCheckedAgainstTheScheddsCount) {
  std::string many;
  for (int i = 0; i < 40; ++i) many += live_row(1, i);
  answers(many, "");
  ASSERT_TRUE(batch_->poll(me_, "", context_));
  answers(live_row(1, 0), "", 40);
  const auto refused = batch_->poll(me_, "", context_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "htcondor.suspect");
  answers(live_row(1, 0), "", 1);
  EXPECT_TRUE(batch_->poll(me_, "", context_));
}

TEST_F(HtcondorPlugin, TellsTheLoadOfItsSchedd) {
  std::string load = "0.25\n";
  context_.answer = [&](const Command& c) { return ended_with(0, c.argv[0].ends_with("_status") ? load : ""); };
  options_.set("schedd", std::string("s@h"));
  options_.set("pool", std::string("cm.h"));
  make();
  auto view = batch_->poll(me_, "", context_);
  ASSERT_TRUE(view);
  EXPECT_FLOAT_EQ(view->data.load, 0.25F);
  EXPECT_THAT(context_.asked, ::testing::Contains(ElementsAre("condor_status", "-pool", "cm.h", "-schedd", "s@h",
                                                              "-af:tV", "RecentDaemonCoreDutyCycle")));
  const auto asked = context_.asked.size();
  ASSERT_TRUE(batch_->poll(me_, "", context_));
  EXPECT_EQ(context_.asked.size(), asked + 1) << "not at each poll";
  for (const char* odd : {"", "undefined\n", "0.1\n0.2\n", "7.5\n", "-- Failed\n"}) {
    load = odd;
    make();
    view = batch_->poll(me_, "", context_);
    ASSERT_TRUE(view) << odd;
    EXPECT_LT(view->data.load, 0) << odd;
  }
}

TEST_F(HtcondorPlugin, ReleasesOnlyPilotsThatAreHeldAndOfTheirSubmission) {
  context_.answer = [](const Command& c) {
    return c.argv[0].ends_with("_q") ? ended_with(0, "4\n4\n") : ended_with(0, "All jobs matching...");
  };
  const std::vector<Batch::Removal> pilots{{"4.1", "s-1"}, {"4.2", "s-1"}};
  EXPECT_EQ(batch_->release(pilots, "another \"try\"", context_), 2);
  EXPECT_THAT(context_.asked.back(),
              ElementsAre("condor_release", "-constraint",
                          "(JobStatus == 5) && ((ClusterId == 4 && APF_SUBMISSION =?= \"s-1\" && ProcId >= 1 && ProcId "
                          "<= 2))",
                          "-reason", "another 'try'"));
  context_.answer = [](const Command& c) {
    return c.argv[0].ends_with("_q") ? ended_with(0, "4\n")
                                     : ended_with(1, "", "Couldn't find/release all jobs matching constraint x");
  };
  EXPECT_EQ(batch_->release(pilots, "again", context_), 0) << "released by somebody else in between";
  context_.answer = [](const Command& c) {
    Finished f = ended_with(0, "4\n");
    f.timed_out = !c.argv[0].ends_with("_q");
    return f;
  };
  const auto late = batch_->release(pilots, "again", context_);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, Kind::uncertain);
  EXPECT_EQ(late.error().code, "htcondor.release_unanswered");
}

TEST_F(HtcondorPlugin, NoAnswerIsNoView) {
  std::vector<Finished> bad{ended_with(1, live_row(1, 0)),
                            ended_with(-1, ""),
                            ended_with(-1, ""),
                            ended_with(0, live_row(1, 0)),
                            ended_with(0, live_row(1, 0), "-- Failed to fetch ads from: <127.0.0.1:1>"),
                            ended_with(0, "", "Error: something")};
  bad[1].signal = 9;
  bad[2].timed_out = true;
  bad[3].truncated = true;
  for (const auto& f : bad) {
    context_.answer = [&](const Command&) { return f; };
    const auto view = batch_->poll(me_, "", context_);
    ASSERT_FALSE(view);
    EXPECT_EQ(view.error().kind, Kind::transient);
  }
}

TEST_F(HtcondorPlugin, FindsBySubmissionInQueueAndHistory) {
  answers(live_row(1, 0), past_row(1, 1));
  const std::vector<std::string> ids{"s-1", "s-2"};
  const auto found = batch_->find(me_, ids, context_);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->complete);
  EXPECT_EQ(found->data.size(), 2U);
  EXPECT_THAT(context_.asked.at(1),
              ::testing::Contains("APF_FACTORY_ID =?= \"factory-1\" && stringListMember(APF_SUBMISSION, \"s-1,s-2\")"));
  const std::vector<std::string> hostile{"x\" || true || \"\" == \""};
  EXPECT_FALSE(batch_->find(me_, hostile, context_));
}

TEST_F(HtcondorPlugin, RemovalNamesStateSubmissionAndProcs) {
  context_.answer = [](const Command&) { return ended_with(0, "4\n4\n4\n"); };
  const std::vector<Batch::Removal> pilots{{"4.1", "s-1"}, {"4.2", "s-1"}, {"4.3", "s-1"}, {"4.9", "s-1"}};
  const std::vector<PilotState> states{PilotState::pending, PilotState::held};
  EXPECT_EQ(batch_->remove(pilots, states, "it's \"time\"\n", context_), 3);
  EXPECT_THAT(
      context_.asked.at(1),
      ElementsAre("condor_rm", "-constraint",
                  "(JobStatus == 1 || JobStatus == 5) && ((ClusterId == 4 && APF_SUBMISSION =?= \"s-1\" && "
                  "ProcId >= 1 && ProcId <= 3) || (ClusterId == 4 && APF_SUBMISSION =?= \"s-1\" && ProcId == 9))",
                  "-reason", "it's 'time' "));
  context_.asked.clear();
  context_.answer = [](const Command&) { return ended_with(0, ""); };
  EXPECT_EQ(batch_->remove(pilots, states, "x", context_), 0);
  EXPECT_EQ(context_.asked.back().front(), "condor_rm") << "a condor_q that shows nothing does not decide";
  context_.asked.clear();
  const std::vector<PilotState> none{PilotState::unknown, PilotState::done};
  EXPECT_EQ(batch_->remove(pilots, none, "x", context_), 0);
  EXPECT_TRUE(context_.asked.empty());
}

TEST_F(HtcondorPlugin, PilotsThatWaitAreToldWhichNodesToAvoid) {
  context_.answer = [](const Command&) { return ended_with(0, "4\n4\n"); };
  const std::vector<std::string> nodes{"n1.x", "\" || true || \"", "n2"};
  EXPECT_EQ(batch_->avoid(me_, "Q 1", nodes, context_), 2);
  EXPECT_THAT(context_.asked.at(1),
              ElementsAre("condor_qedit", "-constraint",
                          "APF_FACTORY_ID =?= \"factory-1\" && MATCH_APF_QUEUE =?= \"Q 1\" && JobStatus == 1 && "
                          "APF_AVOID =!= undefined && APF_AVOID =!= \"n1.x,n2\"",
                          "APF_AVOID", "\"n1.x,n2\""));
  context_.asked.clear();
  context_.answer = [](const Command&) { return ended_with(0, ""); };
  EXPECT_EQ(batch_->avoid(me_, "Q", nodes, context_), 0);
  EXPECT_EQ(context_.asked.size(), 1U) << "nobody to tell: nothing is edited";
}

TEST_F(HtcondorPlugin, FilesGoWhenAllPilotsEndedAndNotWhenAViewIsEmpty) {
  context_.answer = [](const Command&) { return ended_with(0, "1.0 - 1.1\n"); };
  queue_.submit.set("flavour", std::string("batch"));
  queue_.submit.set("batch_system", std::string("slurm"));
  ASSERT_TRUE(batch_->submit(order(2), context_));
  fs::create_directory(spool() / "s-1.2" / "home_of_a_pilot");  // BLAHP's, of one that was killed
  make();                                                       // the factory starts anew
  answers("", "");
  ASSERT_TRUE(batch_->poll(me_, "", context_));
  EXPECT_TRUE(fs::exists(spool() / "s-1.2.key"));
  answers(live_row(1, 0) + live_row(1, 1), "");
  ASSERT_TRUE(batch_->poll(me_, "", context_));
  answers(live_row(1, 1), past_row(1, 0));
  ASSERT_TRUE(batch_->poll(me_, "", context_));
  EXPECT_TRUE(fs::exists(spool() / "s-1.2.key"));
  answers("", past_row(1, 1));
  ASSERT_TRUE(batch_->poll(me_, "", context_));
  for (const auto& entry : fs::directory_iterator(spool()))
    EXPECT_FALSE(entry.path().filename().string().starts_with("s-1.")) << entry.path() << " stays";
}

TEST_F(HtcondorPlugin, OutputOfSpooledPilotsIsFetchedOnceAndNotAllAtOnce) {
  options_.set("spooling", true);
  options_.set("fetch_rate", std::int64_t{2});
  make();
  context_.answer = [](const Command&) { return ended_with(0, "1.0 - 1.2\n"); };
  me_.log_dir = directory_ / "logs";
  ASSERT_TRUE(batch_->submit(order(3), context_));
  EXPECT_THAT(context_.asked.at(0), ::testing::Contains("-spool"));
  answers(live_row(1, 0, 4) + live_row(1, 1, 4) + live_row(1, 2, 4) + live_row(1, 3, 4), "");
  const auto fetches = [&] {
    context_.asked.clear();
    EXPECT_TRUE(batch_->poll(me_, "", context_));
    std::vector<std::string> ids;
    for (const auto& argv : context_.asked)
      if (argv[0] == "condor_transfer_data") ids.insert(ids.end(), argv.begin() + 1, argv.end());
    return ids;
  };
  EXPECT_THAT(fetches(), ElementsAre("1.0", "1.1", "1.2"));  // a minute's share, and one that is due now
  EXPECT_TRUE(fetches().empty()) << "what is here is not fetched again, and the fourth has to wait";
}

// ---- the description -------------------------------------------------------------------------------------------

class HtcondorDescription : public HtcondorPlugin {
 protected:
  Result<Described> made() { return describe(order(), {"/spool/apf-report.key", queue_.input_files, {}, {}, false}); }
  std::string text() {
    auto d = made();
    return d ? d->text : "error: " + d.error().text();
  }
};

TEST_F(HtcondorDescription, CarriesIdentityAndLinks) {
  const std::string d = text();
  for (const char* line : {"+APF_FACTORY_ID = \"factory-1\"\n", "+APF_INSTANCE = \"i1\"\n", "+APF_RUN = 3\n",
                           "+APF_SUBMISSION = \"s-1\"\n", "+APF_INDEX = $(Process)\n", "+MATCH_APF_QUEUE = \"Q\"\n",
                           "+FACTORY_JOBID = \"factory-1#$(Cluster).$(Process)\"\n",
                           "+APF_LOGURL = \"http://h/logs/2026-11-21/Q/$(Cluster).$(Process).log\"\n",
                           "APFCID='$(Cluster).$(Process)'", "APF_INDEX='$(Process)'", "universe = vanilla\n"})
    EXPECT_THAT(d, HasSubstr(line));
  EXPECT_TRUE(d.ends_with("\nqueue 3\n"));
}

TEST_F(HtcondorDescription, ValuesCannotBreakOut) {
  queue_.arguments = {"a b", "it's", "\"q\"", "$(Cluster)", "$ENV(HOME)"};
  queue_.environment = {{"V", "x' \" $(Process)"}};
  EXPECT_THAT(text(), HasSubstr(R"(arguments = "'a b' 'it''s' '""q""' '$(DOLLAR)(Cluster)' '$(DOLLAR)ENV(HOME)'")"));
  EXPECT_THAT(text(), HasSubstr(R"(V='x'' "" $(DOLLAR)(Process)')"));
  for (const std::string bad : {"a\nqueue 5", "a\r", "\x01", "$$(Memory)"}) {
    queue_.arguments = {bad};
    EXPECT_FALSE(made()) << bad;
  }
  queue_.arguments.clear();
  for (const std::string bad : {"A B", "1A", "", "A=B", "A'"}) {
    queue_.environment = {{bad, "v"}};
    EXPECT_FALSE(made()) << bad;
  }
  queue_.environment = {{"V", "a\nqueue"}};
  EXPECT_FALSE(made());
  queue_.environment.clear();
  for (const std::string bad : {"Q\nqueue 7", "Q\x02", "Q\\"}) {
    queue_.name = bad;
    EXPECT_FALSE(made()) << bad;
  }
}

TEST_F(HtcondorDescription, OptionsAreChecked) {
  for (const std::string bad :
       {"queue 7", "Queue = 1", "queue=1", "x @=end", "foo", "a = b\\", "if true", "include : x = 1", "+APF_RUN = 1",
        "my.APF_SUBMISSION = 1", "a = 1\nqueue", "periodic_remove = true", "= 1"}) {
    queue_.submit.set("extra", std::vector<std::string>{bad});
    EXPECT_FALSE(made()) << bad;
  }
  queue_.submit.set("extra", std::vector<std::string>{"rank = Memory", "+Colour = \"$(Cluster)\""});
  EXPECT_TRUE(text().starts_with("rank = Memory\n+Colour = \"$(Cluster)\"\n"));
  for (const std::string bad : {"apf_run", "MATCH_APF_QUEUE", "a b", "", "1x"}) {
    queue_.submit.set("attributes", Table{{bad, "1"}});
    EXPECT_FALSE(made()) << bad;
  }
  queue_.submit.set("attributes", Table{});
  for (const std::string bad : {"a) || (b", "(a", "\"x", "a\\", " a", "a\nb"}) {
    queue_.submit.set("requirements", bad);
    EXPECT_FALSE(made()) << bad;
  }
}

TEST_F(HtcondorDescription, ResourcesHaveTheUnitsOfHtcondor) {
  queue_.submit.set("request_memory", std::int64_t{2'000'000'000});
  queue_.submit.set("request_disk", std::int64_t{1'048'577});
  queue_.submit.set("request_cpus", std::int64_t{8});
  EXPECT_THAT(text(), HasSubstr("request_memory = 1908M\nrequest_disk = 1025K\nrequest_cpus = 8\n"));
}

TEST_F(HtcondorDescription, EvictedPilotsStayDownUnlessAskedFor) {
  queue_.submit.set("requirements", std::string("HasX"));
  queue_.exclude_nodes = false;
  EXPECT_THAT(text(), HasSubstr("periodic_remove = (JobStatus == 1 && NumJobStarts > 0)\n"
                                "requirements = (HasX) && ((MY.NumJobStarts ?: 0) == 0)\n+APF_RERUN = false\n"));
  queue_.submit.set("rerun_evicted", true);
  queue_.submit.set("max_pending_time", Duration(seconds{600}));
  EXPECT_THAT(text(), HasSubstr("periodic_remove = (JobStatus == 1 && time() - EnteredCurrentStatus > 600)\n"
                                "requirements = (HasX)\n+APF_RERUN = true\n"));
}

TEST_F(HtcondorDescription, InputFilesMustArriveUnderTheirNames) {
  for (const std::string bad : {"relative", "/a,b", "/dir/", "/a/apf-report.key", "/a\nb", "http://h/x"}) {
    queue_.input_files = {bad};
    EXPECT_FALSE(made()) << bad;
  }
  queue_.input_files = {"/a/token", "/b/token"};
  EXPECT_FALSE(made());
  queue_.input_files = {"/a dir/token", "/b/proxy"};
  EXPECT_THAT(text(), HasSubstr("transfer_input_files = /spool/apf-report.key, /a dir/token, /b/proxy\n"));
}

}  // namespace
}  // namespace apf::batch_htcondor
