// Details of on() that the simulation does not reach.
#include "core/factory.h"

#include <gtest/gtest.h>

#include "support/core_rig.h"

namespace apf::core {
namespace {

// Batch systems tell of the last ends once more after a restart: those pilots are in the ledger already.
TEST(Factory, AnEndThatIsToldAgainAfterARestartIsNoSecondPilot) {
  Rig rig;
  LedgerImage image;
  image.next_pilot = 3;
  image.submissions.push_back({"s", "q0", "b", 2, 2, SubmissionState::settled, 1, {}, {}, ""});
  for (std::uint32_t i = 0; i < 2; ++i) {
    Pilot p;
    p.no = i + 1;
    p.batch_id = "s." + std::to_string(i);
    p.submission = "s";
    p.queue = "q0";
    p.batch = "b";
    p.index = i;
    p.run = 1;
    p.state = i == 0 ? PilotState::done : PilotState::running;
    image.pilots.push_back(p);
  }
  rig.state = make_state();
  rig.give(Started{rig.active, 2, "n2", image});
  SubmitPilots s;
  s.submission = "s";
  s.queue = rig.active.config->queues[0];
  rig.view({Rig::seen(s, 1, PilotState::running)}, {Rig::seen(s, 0, PilotState::done)});
  for (const auto& effect : rig.pass())
    if (const auto* commit = std::get_if<Commit>(&effect); commit != nullptr) {
      for (const auto& pilot : commit->batch->pilots) EXPECT_NE(pilot.batch_id, "s.0");
    }
}

TEST(Factory, NothingIsSubmittedBeforeBothSidesHaveAnswered) {
  Rig rig;
  rig.pass();
  EXPECT_EQ(rig.last["q0"].held_code, "wms.never");
  rig.demand({{"q0", 5}});
  rig.pass();
  EXPECT_EQ(rig.last["q0"].held_code, "batch.never");
  EXPECT_TRUE(rig.sent.empty());
  rig.view({});
  rig.pass();
  ASSERT_EQ(rig.sent.size(), 1U);
  EXPECT_EQ(rig.sent[0].n, 5);
}

TEST(Factory, ASubmissionStandsInTheCommitBeforeItGoesOut) {
  Rig rig;
  rig.demand({{"q0", 5}});
  rig.view({});
  const auto effects = rig.pass();
  ASSERT_TRUE(std::holds_alternative<Commit>(effects.front()));
  const auto& batch = *std::get<Commit>(effects.front()).batch;
  ASSERT_EQ(batch.submissions.size(), 1U);
  EXPECT_EQ(batch.submissions[0].id, rig.sent.at(0).submission);
  EXPECT_EQ(batch.submissions[0].state, SubmissionState::open);
  EXPECT_TRUE(batch.full_sync);
}

TEST(Factory, OneOpenSubmissionAQueue) {
  Rig rig;
  rig.demand({{"q0", 5}});
  rig.view({});
  rig.pass();
  rig.now = rig.now + seconds{1};
  rig.demand({{"q0", 50}});
  rig.pass();
  EXPECT_EQ(rig.sent.size(), 1U);
  EXPECT_EQ(rig.last["q0"].held_code, "submission.open");
  EXPECT_EQ(rig.last["q0"].input.pending, 5) << "an open submission counts as pending";
  rig.answer(rig.sent[0]);
  rig.pass();
  ASSERT_EQ(rig.sent.size(), 2U);
  EXPECT_EQ(rig.sent[1].n, 45);
}

TEST(Factory, ARefusalBacksOffAndIsToldOnce) {
  Rig rig;
  rig.demand({{"q0", 5}});
  rig.view({});
  rig.pass();
  rig.give(SubmitAnswered{rig.sent[0].submission, fail(Kind::permanent, "x", "no such queue")});
  rig.pass();
  EXPECT_EQ(rig.last["q0"].held_code, "batch.refused");
  EXPECT_EQ(rig.last["q0"].input.pending, 0);
  EXPECT_EQ(overview(*rig.state).alarms.size(), 1U);
  rig.now = rig.now + seconds{11};
  rig.view({});
  rig.pass();
  EXPECT_EQ(rig.sent.size(), 2U);
}

TEST(Factory, ACredentialThatWillNotDoHoldsTheQueueInItsOwnWords) {
  Rig rig;
  rig.demand({{"q0", 5}});
  rig.view({});
  rig.pass();
  rig.give(SubmitAnswered{rig.sent[0].submission,
                          fail(Kind::transient, "credential.too_short", "the proxy ends at noon", "/etc/proxy")});
  rig.pass();
  EXPECT_EQ(rig.last["q0"].held_code, "queue.credential");
  EXPECT_NE(rig.last["q0"].held.find("/etc/proxy: the proxy ends at noon"), std::string::npos) << rig.last["q0"].held;
  ASSERT_EQ(overview(*rig.state).alarms.size(), 1U);
  EXPECT_NE(overview(*rig.state).alarms[0].text.find("no pilots are submitted: /etc/proxy"), std::string::npos);
}

TEST(Factory, AViewAskedBeforeTheAnswerCantJudgeItsPilots) {
  Rig rig;
  rig.demand({{"q0", 3}});
  rig.view({});
  rig.pass();
  const Seq before = rig.state->next_seq();
  rig.answer(rig.sent[0]);
  View<BatchData> v;
  v.complete = true;
  rig.give(BatchSeen{"b", before, rig.now, v});
  EXPECT_EQ(rig.state->queues[0].counts.pending(), 3);
  EXPECT_EQ(rig.state->queues[0].counts.missing, 0);
  rig.view({Rig::seen(rig.sent[0], 0, PilotState::pending)});
  EXPECT_EQ(rig.state->queues[0].counts.missing, 2) << "a newer one can";
  EXPECT_EQ(rig.state->queues[0].counts.pending(), 3) << "missing pilots count as before";
}

TEST(Factory, AnOlderListDoesNotBringBackAnEndedPilot) {
  Rig rig;
  rig.demand({{"q0", 1}});
  rig.view({});
  rig.pass();
  rig.answer(rig.sent[0]);
  auto live = Rig::seen(rig.sent[0], 0, PilotState::running);
  auto done = Rig::seen(rig.sent[0], 0, PilotState::done);
  rig.view({live}, {done});  // it ended between the list and the history
  EXPECT_EQ(rig.state->batches[0].by_id.size(), 0U);
  EXPECT_EQ(rig.state->queues[0].life.life_done, 1);
  rig.view({}, {done});  // the history repeats it
  EXPECT_EQ(rig.state->queues[0].life.life_done, 1);
}

// The history was asked before the event came that the pilot sends its output; that it has ended is true all the same.
// The event of its end may be lost, and histories tell each end once.
TEST(Factory, AnEndIsFinalWhateverWasHeardMeanwhile) {
  Rig rig;
  rig.view({});
  rig.demand({{"q0", 1}});
  rig.pass();
  ASSERT_EQ(rig.sent.size(), 1U);
  rig.answer(rig.sent[0]);
  rig.view({Rig::seen(rig.sent[0], 0, PilotState::running)});
  const Seq asked = rig.state->next_seq();
  View<FeedData> events;
  events.complete = true;
  events.data.seen = {Rig::seen(rig.sent[0], 0, PilotState::transferring)};
  rig.give(EventsSeen{"b", events});
  EXPECT_EQ(rig.state->queues[0].counts.running(), 1);
  View<BatchData> view;
  view.complete = true;
  PilotSeen other = Rig::seen(rig.sent[0], 0, PilotState::done);
  other.submission = "older";  // whose number it has now
  view.data.ended = {other};
  view.data.live = {Rig::seen(rig.sent[0], 0, PilotState::running)};
  rig.give(BatchSeen{"b", asked, rig.now, view});
  EXPECT_EQ(rig.state->queues[0].counts.running(), 1);
  view.data.ended = {Rig::seen(rig.sent[0], 0, PilotState::done)};
  view.data.live.clear();
  rig.give(BatchSeen{"b", asked, rig.now, view});
  EXPECT_EQ(rig.state->queues[0].counts.running(), 0);
  EXPECT_EQ(rig.state->queues[0].counts.missing, 0);
}

TEST(Factory, MissingPilotsAreLostOnlyAfterALookUpThatAnswered) {
  Rig rig;
  rig.demand({{"q0", 2}});
  rig.view({});
  rig.pass();
  rig.answer(rig.sent[0]);
  for (int i = 0; i < 30; ++i) {
    rig.now = rig.now + seconds{30};
    rig.view({Rig::seen(rig.sent[0], 0, PilotState::pending)});
    rig.demand({{"q0", 2}});
    for (const auto& e : rig.pass())
      if (const auto* find = std::get_if<FindPilots>(&e)) {
        EXPECT_GE(i, 19) << "not before ten minutes";
        View<std::vector<PilotSeen>> answer;
        answer.complete = i > 22;  // the first answers are not complete: they prove nothing
        rig.give(FindAnswered{"b", find->asked, rig.now, find->submissions, answer});
        EXPECT_EQ(rig.state->queues[0].counts.pending(), i <= 22 ? 2 : 1);
      }
  }
  EXPECT_EQ(rig.sent.size(), 2U) << "then its job gets another pilot";
  EXPECT_EQ(rig.state->queues[0].life.life_failed, 1);
}

// A year of cloud nodes: names that nobody uses any more are forgotten, those in use are not.
TEST(Factory, NamesOfNodesThatHaveGoneAreForgotten) {
  Rig rig;
  rig.demand({{"q0", 2}});
  rig.view({});
  rig.pass();
  rig.answer(rig.sent[0]);
  const auto report = [&](std::uint32_t index, const std::string& node) {
    PilotReported r;
    r.submission = rig.sent[0].submission;
    r.index = index;
    r.state = "running";
    r.node = node;
    rig.give(r);
  };
  report(1, "stays.cloud.org");
  for (int i = 0; i < 100'000; ++i) {
    report(0, "wn" + std::to_string(i) + ".cloud.org");
    if (i % 1000 == 0) rig.pass();
  }
  rig.pass();
  EXPECT_LT(rig.state->texts.size(), 25'000U);
  EXPECT_LT(rig.state->hosts.size(), 25'000U);
  std::set<std::string> nodes;
  for (const auto& p : pilots(*rig.state, "q0")) nodes.insert(p.node);
  EXPECT_EQ(nodes, (std::set<std::string>{"stays.cloud.org", "wn99999.cloud.org"}));
}

TEST(Factory, CapsOutsideTheChainBindLastAndAreNamed) {
  Rig rig(2, [](Config& c) {
    c.factory.max_pilots = 12;
    c.batch[0].max_submissions_per_minute = 10;
  });
  rig.demand({{"q0", 8}, {"q1", 8}});
  rig.view({});
  rig.pass();
  std::int64_t total = 0;
  for (const auto& s : rig.sent) total += s.n;
  EXPECT_EQ(total, 10);
  const bool named = rig.last["q0"].bound_by == "cap batch.b.max_submissions_per_minute" ||
                     rig.last["q1"].bound_by == "cap batch.b.max_submissions_per_minute";
  EXPECT_TRUE(named);
  for (const auto& s : std::vector(rig.sent)) rig.answer(s);
  rig.now = rig.now + seconds{61};
  rig.pass();
  total = 0;
  for (const auto& s : rig.sent) total += s.n;
  EXPECT_EQ(total, 12);
}

TEST(Factory, ADemandViewOfAnUnknownQueueIsAConfigurationError) {
  Rig rig;
  rig.demand({{"other", 3}});
  rig.view({});
  rig.pass();
  EXPECT_EQ(rig.last["q0"].held_code, "wms.unknown_queue");
  ASSERT_EQ(overview(*rig.state).alarms.size(), 1U);
  EXPECT_EQ(overview(*rig.state).alarms[0].code, "queue.unknown_wms_queue");
}

TEST(Factory, OldViewsHold) {
  Rig rig;
  rig.demand({{"q0", 3}});
  rig.view({});
  rig.now = rig.now + seconds{361};
  rig.pass();
  EXPECT_EQ(rig.last["q0"].held_code, "wms.stale");
  rig.demand({{"q0", 3}});
  rig.pass();
  EXPECT_EQ(rig.last["q0"].held_code, "batch.stale");
}

TEST(Factory, ABillionReadyJobsComeInPieces) {
  Rig rig;
  rig.demand({{"q0", 1'000'000'000}});
  rig.view({});
  rig.pass();
  ASSERT_EQ(rig.sent.size(), 1U);
  EXPECT_EQ(rig.sent[0].n, 10'000);
  EXPECT_EQ(rig.last["q0"].chain, 1'000'000'000);
}

TEST(Factory, AClockThatIsWildlyWrongHarmsNothing) {
  Rig rig;
  rig.demand({{"q0", 4}});
  rig.view({});
  rig.pass();
  rig.answer(rig.sent[0]);
  std::vector<PilotSeen> seen;
  const std::int64_t wild[] = {INT64_MAX, INT64_MIN, 1, 253'402'300'799'000};
  for (std::uint32_t i = 0; i < 4; ++i) {
    seen.push_back(Rig::seen(rig.sent[0], i, PilotState::running));
    seen.back().started = Wall{wild[i]};
    seen.back().submitted = Wall{wild[i]};
  }
  rig.view(seen);
  for (const auto& p : rig.state->pilots) {
    EXPECT_LE(p.started_at, rig.now);
    EXPECT_GE(p.started_at, p.submitted_at);
  }
}

TEST(Factory, ShadowDecidesAndSubmitsNothing) {
  Rig rig(1, [](Config& c) {
    auto spec = std::make_shared<QueueSpec>(*c.queues[0]);
    spec->mode = Mode::shadow;
    c.queues[0] = std::move(spec);
  });
  rig.demand({{"q0", 3}});
  rig.view({});
  rig.pass();
  EXPECT_TRUE(rig.sent.empty());
  EXPECT_EQ(rig.last["q0"].held_code, "queue.shadow");
  EXPECT_EQ(rig.last["q0"].chain, 3);
}

TEST(Factory, AFailedCommitSendsNothingAndComesAgain) {
  Rig rig;
  rig.commits = false;
  rig.demand({{"q0", 3}});
  rig.view({});
  const auto effects = rig.pass();
  const auto pass = std::get<Commit>(effects.front()).batch->pass;
  rig.give(CommitDone{pass, Error{Kind::transient, "store.full", "disk full", "", ""}});
  rig.pass();
  EXPECT_EQ(rig.last["q0"].held_code, "ledger.failing");
  rig.commits = true;
  rig.now = rig.now + seconds{6};
  rig.sent.clear();
  rig.pass();  // the rows come again, and succeed
  rig.view({});
  rig.pass();
  ASSERT_EQ(rig.sent.size(), 1U);
  EXPECT_EQ(rig.sent[0].n, 3);
}

TEST(Factory, TheWrapperSpeaksFasterThanTheAnswer) {
  Rig rig;
  rig.demand({{"q0", 2}});
  rig.view({});
  rig.pass();
  PilotReported r;
  r.submission = rig.sent[0].submission;
  r.index = 1;
  r.batch_id = r.submission + ".1";
  r.state = "running";
  rig.give(r);
  EXPECT_EQ(rig.state->queues[0].counts.running(), 1);
  rig.answer(rig.sent[0]);
  EXPECT_EQ(rig.state->queues[0].counts.running(), 1);
  EXPECT_EQ(rig.state->queues[0].counts.pending(), 1);
  EXPECT_EQ(rig.state->queues[0].life.life_submitted, 2);
}

// R11, behind a CE: a bad node's pilot has said that it failed and keeps its slot. It still runs, it is held against
// its node at once, its claim on a job is given back, and its end is no second fault.
TEST(Factory, APilotThatKeepsItsSlotStillRunsAndWasJudged) {
  Rig rig(1, [](Config&) {});
  rig.demand({{"q0", 2}});
  rig.view({});
  rig.pass();
  rig.answer(rig.sent[0]);
  PilotReported r;
  r.submission = rig.sent[0].submission;
  r.index = 1;
  r.batch_id = r.submission + ".1";
  r.state = "fault";
  r.rc = 64;
  r.payloads = 0;
  r.node = "wn1.example.org";
  r.failure = "cvmfs";
  r.text = "/cvmfs/a.b: it does not answer";
  r.keeps = 1200;
  rig.give(r);
  const auto budget = rig.state->queues[0].budget;
  const auto seen = [&] { return rig.state->queues[0].health.recent.size(); };
  EXPECT_EQ(rig.state->queues[0].counts.running(), 1);
  EXPECT_EQ(seen(), 1U);
  EXPECT_STREQ(rig.state->queues[0].health.recent.back().why,
               "failed validation: CVMFS does not answer (exit code 64)");
  const auto pilot = [&] {
    for (const auto& p : pilots(*rig.state, "q0"))
      if (p.index == 1) return p;
    return Pilot{};
  };
  EXPECT_EQ(pilot().reason, "check 'cvmfs' failed: /cvmfs/a.b: it does not answer");
  r.keeps = 0;
  rig.give(r);
  EXPECT_EQ(seen(), 1U) << "once is enough";
  EXPECT_EQ(rig.state->queues[0].budget, budget + 1) << "only now its end is proven";
}

}  // namespace
}  // namespace apf::core
