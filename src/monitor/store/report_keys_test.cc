#include "monitor/store/report_keys.h"

#include <gtest/gtest.h>

#include "monitor/store/book.h"
#include "monitor/store/pilots.h"
#include "support/test_store.h"

namespace apf::monitor {
namespace {

constexpr std::int64_t kHour = 3'600'000;
Wall at(std::int64_t ms) { return Wall{1'700'000'100'000 + ms}; }
std::string digest(int n) {
  std::string text = std::to_string(n);
  return std::string(64 - text.size(), '0') + text;
}

class ReportKeysTest : public testing::Test {
 protected:
  ReportKeysTest() { open(at(0)); }
  void open(Wall now) {
    book_.reset();
    book_ = Book::open(store_.place(), options_, now).value();
  }
  Taken take(const News& n, Wall now, std::vector<Book::Job> jobs = {}) {
    const News* one = &n;
    std::vector<Taken> taken;
    std::vector<PilotChange> changes;
    last_ = book_->take({&one, 1}, jobs, now, taken, changes);
    return last_ ? taken.at(0) : Taken{};
  }
  static News news(std::vector<SubmissionNews> submissions, const std::string& factory = "f") {
    News n;
    n.factory.name = factory;
    n.submissions = std::move(submissions);
    return n;
  }
  static PilotNews pilot(const std::string& id, PilotState state, const std::string& submission) {
    PilotNews p;
    p.id = id;
    p.label = "L";
    p.state = state;
    p.submission = submission;
    return p;
  }
  static News report(const std::string& id, PilotState state, const std::string& submission) {
    News n = news({});
    n.pilots.push_back(pilot(id, state, ""));
    n.pilots.back().key = ReportKey{submission, 10};
    return n;
  }
  [[nodiscard]] bool knows(int n) const { return book_->report_keys().find(digest(n)).has_value(); }
  Pilot stored(const std::string& id) {
    const auto db = db::open(store_.place(), migrations(), db::Use::read).value();
    return find_pilot(*db, 1, id).value().value_or(Pilot{});
  }

  apf::tests::TestStore store_;
  BookOptions options_;
  std::unique_ptr<Book> book_;
  Status last_;
};

TEST_F(ReportKeysTest, AreKnownAfterTheCommitAndAfterARestart) {
  const News n = news({{"s-1", digest(1), 20}});
  take(n, at(0), {[](db::Db&) -> Status { return fail(Kind::permanent, "x", "no"); }});
  ASSERT_FALSE(last_);
  EXPECT_FALSE(knows(1)) << "it did not happen";
  for (int i = 0; i < 2; ++i) {  // harmless twice
    take(n, at(0));
    open(at(0));
    const auto owner = book_->report_keys().find(digest(1));
    ASSERT_TRUE(owner);
    EXPECT_EQ(owner->factory, "f");
    EXPECT_EQ(owner->key.submission, "s-1");
    EXPECT_EQ(owner->key.pilots, 20U);
    EXPECT_EQ(book_->report_keys().size(), 1U);
  }
}

TEST_F(ReportKeysTest, AreOfOneSubmission) {
  take(news({{"s-1", digest(1), 20}}), at(0));
  take(news({{"s-9", digest(1), 20}}, "other"), at(0));
  EXPECT_EQ(book_->report_keys().find(digest(1))->factory, "f") << "not taken away";
  take(news({{"s-1", digest(2), 20}}), at(0));
  EXPECT_FALSE(knows(1)) << "a new one takes its place";
  EXPECT_TRUE(knows(2));
  open(at(0));
  EXPECT_FALSE(knows(1));
  EXPECT_EQ(book_->report_keys().size(), 1U);
}

TEST_F(ReportKeysTest, AreForgottenAnHourAfterTheLastLivePilot) {
  News n = news({{"s-1", digest(1), 2}, {"s-2", digest(2), 2}});
  n.pilots = {pilot("1.0", PilotState::created, "s-1"), pilot("1.1", PilotState::created, "s-1")};
  take(n, at(0));
  const auto forget = [&](std::int64_t t) { ASSERT_TRUE(book_->forget(at(t), 100)); };
  forget(kHour);
  EXPECT_TRUE(knows(2));
  forget(kHour + 1);
  EXPECT_FALSE(knows(2)) << "no pilot of it has been told for an hour";
  EXPECT_TRUE(knows(1));
  n = news({});
  n.pilots = {pilot("1.0", PilotState::done, "s-1")};
  take(n, at(2 * kHour));
  open(at(4 * kHour));
  forget(6 * kHour);
  EXPECT_TRUE(knows(1)) << "one lives";
  n.pilots = {pilot("1.1", PilotState::fault, "s-1")};
  take(n, at(7 * kHour));
  forget(8 * kHour);
  EXPECT_TRUE(knows(1));
  forget(8 * kHour + 1);
  EXPECT_FALSE(knows(1));
  open(at(9 * kHour));
  EXPECT_EQ(book_->report_keys().size(), 0U);
}

TEST_F(ReportKeysTest, TheOldestGoWhenThereAreTooMany) {
  options_.most_keys = 3;
  open(at(0));
  for (int i = 1; i <= 5; ++i) take(news({{"s-" + std::to_string(i), digest(i), 1}}), at(i));
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(book_->report_keys().size(), 3U);
    EXPECT_FALSE(knows(2));
    EXPECT_TRUE(knows(3) && knows(4) && knows(5));
    open(at(10));
  }
}

TEST_F(ReportKeysTest, ReportsMakeNothingAndAreCounted) {
  for (const char* id : {"1.0", "name"}) {
    const Taken taken = take(report(id, PilotState::running, "s-1"), at(0));
    ASSERT_TRUE(last_);
    EXPECT_TRUE(taken.not_yet);
  }
  EXPECT_EQ(book_->names().factories.size(), 0U);
  News n = news({{"s-1", digest(1), 10}});
  n.pilots = {pilot("1.0", PilotState::created, "s-1"), pilot("name", PilotState::created, "s-1")};
  take(n, at(0));
  EXPECT_TRUE(take(report("other", PilotState::running, "s-1"), at(5)).not_yet);
  EXPECT_EQ(book_->names().factories.at(1).figures.seen, at(0)) << "a pilot is no sign of life of its factory";
  EXPECT_EQ(take(report("name", PilotState::running, "s-1"), at(5)).updated, 1);
  EXPECT_NE(take(report("name", PilotState::exiting, "s-2"), at(5)).denied, nullptr);
  EXPECT_EQ(stored("name").state, PilotState::running);
  for (int i = 0; i < 50; ++i) {
    if (i == 25) open(at(6));
    EXPECT_EQ(take(report("1.0", PilotState::running, "s-1"), at(7)).denied, nullptr) << i;
  }
  EXPECT_NE(take(report("1.0", PilotState::exiting, "s-1"), at(8)).denied, nullptr) << "the 51st";
  EXPECT_EQ(stored("1.0").state, PilotState::running);
  EXPECT_EQ(stored("1.0").reports, 50);
}

}  // namespace
}  // namespace apf::monitor
