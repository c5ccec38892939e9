// The plug-in on a fake Context.
#include <sys/stat.h>

#include "htcondor/text.h"
#include "support/htcondor_rig.h"
#include "view.h"

namespace apf::batch_htcondor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

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

}  // namespace
}  // namespace apf::batch_htcondor
