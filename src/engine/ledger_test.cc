#include "engine/ledger.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/random.h"
#include "engine/state_lock.h"

namespace apf::engine {
namespace {

namespace fs = std::filesystem;

class LedgerTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(dir_); }
  void TearDown() override {
    fs::permissions(dir_, fs::perms::owner_all);
    fs::remove_all(dir_);
  }
  Result<Ledger> open(const std::string& id = "fac", const std::string& machine = "m1") {
    return Ledger::open({.state_dir = dir_, .factory_id = id, .now = now_, .machine = machine});
  }

  std::string dir_ = testing::TempDir() + "ledger-" + random_name(8);
  Wall now_{1'800'000'000'000};
};

core::Pilot pilot(std::uint64_t no, PilotState state = PilotState::pending) {
  core::Pilot p;
  p.no = no;
  p.batch_id = std::to_string(no) + ".0";
  p.submission = "sub-1";
  p.queue = "Q";
  p.batch = "pool";
  p.index = 3;
  p.run = 1;
  p.state = state;
  p.exit_code = 7;
  p.wall_s = 1.5F;
  p.started = Wall{12};
  p.node = "node1";
  return p;
}

core::LedgerBatch batch_of(std::vector<core::Pilot> pilots) {
  core::LedgerBatch b;
  b.pilots = std::move(pilots);
  b.seq = 41;
  b.next_pilot = 100;
  return b;
}

TEST_F(LedgerTest, ReadsBackWhatWasCommitted) {
  core::LedgerBatch b = batch_of({pilot(7, PilotState::running)});
  b.full_sync = true;
  b.submissions = {{"sub-1", "Q", "pool", 5, 1, core::SubmissionState::settled, 1, now_, now_, "found"},
                   {"sub-2", "Q", "pool", 2, 0, core::SubmissionState::open, 1, now_, {}, ""}};
  b.queues = {{"Q", 10, 8, 1}};
  b.holds_changed = true;
  b.holds = {{"pause", "all", "ann", "power cut", now_, {}}};
  b.cursors = {{"batch:pool", "c1"}};
  {
    auto ledger = open();
    ASSERT_TRUE(ledger) << ledger.error().text();
    ASSERT_TRUE(ledger->commit(b, now_));
  }
  auto again = open();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->identity().run, 2U);
  auto image = again->load(now_);
  ASSERT_TRUE(image) << image.error().text();
  EXPECT_FALSE(image->fresh);
  EXPECT_EQ(image->doubt, "");
  EXPECT_EQ(image->seq, 41U);
  EXPECT_EQ(image->next_pilot, 100U);
  ASSERT_EQ(image->pilots.size(), 1U);
  const auto& p = image->pilots[0];
  EXPECT_EQ(p.batch_id, "7.0");
  EXPECT_EQ(p.state, PilotState::running);
  EXPECT_EQ(p.exit_code, 7);
  EXPECT_FLOAT_EQ(p.wall_s, 1.5F);
  EXPECT_EQ(p.started.ms, 12);
  EXPECT_EQ(image->submissions.size(), 2U);
  ASSERT_EQ(image->queues.size(), 1U);
  EXPECT_EQ(image->queues[0].life_done, 8);
  ASSERT_EQ(image->holds.size(), 1U);
  EXPECT_EQ(image->holds[0].reason, "power cut");
  ASSERT_EQ(image->cursors.size(), 1U);
  EXPECT_EQ(image->cursors[0].second, "c1");
}

TEST_F(LedgerTest, KeepsWhoItIsAndCountsStarts) {
  std::string instance, secret;
  for (std::uint32_t run = 1; run <= 3; ++run) {
    auto ledger = open();
    ASSERT_TRUE(ledger);
    EXPECT_EQ(ledger->identity().run, run);
    if (run == 1) instance = ledger->identity().instance, secret = ledger->identity().secret;
    EXPECT_EQ(ledger->identity().instance, instance);
    EXPECT_EQ(ledger->identity().secret, secret);
    EXPECT_EQ(ledger->load(now_)->fresh, run == 1);
  }
  EXPECT_EQ(secret.size(), 64U);
}

TEST_F(LedgerTest, RunPassesThatOfAdoptedPilots) {
  auto p = pilot(1);
  p.run = 9;
  ASSERT_TRUE(open()->commit(batch_of({p}), now_));
  EXPECT_EQ(open()->identity().run, 10U);
}

TEST_F(LedgerTest, EndedPilotsButTheNewestLeaveTheImageAfterAnHour) {
  auto ledger = open();
  std::vector<core::Pilot> pilots{pilot(1)};
  for (std::uint64_t no = 2; no < 1500; ++no) pilots.push_back(pilot(no, PilotState::done));
  ASSERT_TRUE(ledger->commit(batch_of(std::move(pilots)), now_));
  EXPECT_EQ(ledger->load(now_)->pilots.size(), 1499U);
  EXPECT_EQ(ledger->load(Wall{now_.ms + 2 * 3'600'000})->pilots.size(), 1001U);
}

TEST_F(LedgerTest, EndedPilotsLeaveTheLedgerAfterRetention) {
  auto ledger = open();
  ASSERT_TRUE(ledger->commit(batch_of({pilot(1, PilotState::done), pilot(2), pilot(3, PilotState::failed)}), now_));
  const Wall later{now_.ms + 2 * 3'600'000};
  // Written again after its end: still as old as its first end.
  ASSERT_TRUE(ledger->commit(batch_of({pilot(1, PilotState::done)}), later));
  EXPECT_EQ(ledger->load(now_)->pilots.size(), 3U);
  EXPECT_EQ(*ledger->trim(now_, 10), 0);
  EXPECT_EQ(*ledger->trim(later, 1), 1);
  EXPECT_EQ(*ledger->trim(later, 10), 1);
  EXPECT_EQ(ledger->load(now_)->pilots.size(), 1U);
}

TEST_F(LedgerTest, TrimKeepsSubmissionsThatAreOpenOrHaveLivePilots) {
  auto ledger = open();
  core::LedgerBatch b = batch_of({pilot(1)});
  b.submissions = {{"sub-1", "Q", "pool", 5, 1, core::SubmissionState::settled, 1, now_, now_, ""},
                   {"sub-2", "Q", "pool", 5, 1, core::SubmissionState::open, 1, now_, now_, ""},
                   {"sub-3", "Q", "pool", 5, 1, core::SubmissionState::settled, 1, now_, now_, ""}};
  ASSERT_TRUE(ledger->commit(b, now_));
  EXPECT_EQ(*ledger->trim(Wall{now_.ms + 1}, 10), 1);
  const auto image = ledger->load(Wall{now_.ms + 7'200'000});
  EXPECT_EQ(image->submissions.size(), 2U);
}

TEST_F(LedgerTest, RefusesAnotherFactorysLedger) {
  ASSERT_TRUE(open("fac"));
  auto other = open("other");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, "ledger.other_factory");
}

TEST_F(LedgerTest, DoubtsACopyUntilItIsAdopted) {
  ASSERT_TRUE(open());
  const std::string file = Ledger::file(dir_);
  fs::copy_file(file, file + ".copy");
  fs::rename(file + ".copy", file);
  EXPECT_NE(open()->load(now_)->doubt, "");
  EXPECT_NE(open()->load(now_)->doubt, "");  // a restart is no consent
  ASSERT_TRUE(open()->adopt());
  EXPECT_EQ(open()->load(now_)->doubt, "");
}

TEST_F(LedgerTest, SaysWhatIsWrongWithADamagedFile) {
  std::ofstream(Ledger::file(dir_)) << std::string(8192, 'x');
  auto ledger = open();
  ASSERT_FALSE(ledger);
  EXPECT_EQ(ledger.error().code, "store.corrupt");
}

TEST_F(LedgerTest, AHundredThousandLivePilotsComeBack) {
  std::vector<core::Pilot> many;
  for (std::uint64_t i = 1; i <= 100'000; ++i) many.push_back(pilot(i, PilotState::running));
  auto ledger = open();
  ASSERT_TRUE(ledger->commit(batch_of(many), now_));
  EXPECT_EQ(ledger->load(now_)->pilots.size(), 100'000U);
}

TEST_F(LedgerTest, SecondFactoryIsRefusedByName) {
  auto first = StateLock::take(dir_ + "/deep/er");
  ASSERT_TRUE(first) << first.error().text();
  auto second = StateLock::take(dir_ + "/deep/er");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "engine.locked");
  EXPECT_EQ(second.error().kind, Kind::config);
  EXPECT_NE(second.error().what.find(std::to_string(getpid())), std::string::npos);
  *first = std::move(*StateLock::take(dir_ + "/other"));
  EXPECT_FALSE(StateLock::take(dir_ + "/other"));
}

TEST(ReportKey, DependsOnSecretAndSubmission) {
  // RFC 4231, test case 2.
  EXPECT_EQ(report_key("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(key_digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abc", "abcd"));
}

}  // namespace
}  // namespace apf::engine
