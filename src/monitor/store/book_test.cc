#include "monitor/store/book.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "monitor/store/history.h"
#include "monitor/store/keys.h"
#include "monitor/store/pilots.h"
#include "support/test_store.h"

namespace apf::monitor {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kDay = 24 * kHour;
constexpr Wall kStart{1'700'000'100'000};
Wall later(std::int64_t ms) { return Wall{kStart.ms + ms}; }

PilotNews pilot(const std::string& id, PilotState state, const std::string& node = {}) {
  PilotNews n;
  n.id = id;
  n.label = "L";
  n.state = state;
  n.node = node;
  return n;
}

News news(std::vector<PilotNews> pilots, const std::string& factory = "f") {
  News n;
  n.factory.name = factory;
  n.pilots = std::move(pilots);
  return n;
}

class BookTest : public testing::Test {
 protected:
  BookTest() { open(kStart); }

  void open(Wall now) {
    book_.reset();
    auto book = Book::open(store_.place(), options_, now);
    if (!book) throw std::runtime_error(book.error().text());
    book_ = std::move(*book);
  }

  Taken take(const News& n, Wall now, std::vector<Book::Job> jobs = {}) {
    const News* one = &n;
    std::vector<Taken> taken;
    changes_.clear();
    last_ = book_->take({&one, 1}, jobs, now, taken, changes_);
    return last_ ? taken.at(0) : Taken{};
  }

  SnapshotPtr snapshot(Wall now) { return book_->tally().snapshot(now, 1); }
  std::unique_ptr<db::Db> reader() { return db::open(store_.place(), migrations(), db::Use::read).value(); }

  apf::tests::TestStore store_;
  BookOptions options_;
  std::unique_ptr<Book> book_;
  std::vector<PilotChange> changes_;
  Status last_;
};

// What a snapshot says, without what may differ after a restart.
std::string said(const Snapshot& s) {
  std::string text = std::to_string(s.pilots);
  const auto flows = [&](const auto& one) {
    for (const Flow& f : {one.hour, one.day})
      text += fmt::format(" {}/{}/{}/{}/{}/{}/{}", f.created, f.started, f.done, f.fault, f.empty, f.unstarted,
                          f.seconds_ran);
  };
  const auto live = [&](const Live& l) {
    text += fmt::format(" {} {} {} {}", l.created, l.running, l.exiting, l.stale);
  };
  for (const auto& f : s.factories) {
    text += "\nfactory " + f->name + " " + f->version + " " + std::to_string(f->labels);
    live(f->live);
    flows(*f);
  }
  for (const auto& l : s.labels) {
    text +=
        "\nlabel " + l->factory_name + ":" + l->name + " " + l->wms_queue + " " + std::to_string(l->messages.size());
    live(l->live);
    flows(*l);
  }
  for (const auto& n : s.nodes) {
    text += "\nnode " + n->name + " " + std::to_string(n->running);
    flows(*n);
  }
  return text;
}

// What memory adds up and what a start reads is the same, whatever is told in whatever order.
TEST_F(BookTest, ARestartComesToTheSameFigures) {
  std::mt19937 random(7);
  const auto one_of = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  std::int64_t t = 0;
  for (int i = 0; i < 120; ++i) {
    t += one_of(20) * 60'000;
    News n = news({}, "f" + std::to_string(one_of(2)));
    for (int k = 0; k < 10; ++k) {
      PilotNews p = pilot(std::to_string(one_of(30)) + (one_of(10) == 0 ? "#text" : ".0"),
                          std::array{PilotState::created, PilotState::running, PilotState::exiting, PilotState::done,
                                     PilotState::fault}[static_cast<std::size_t>(one_of(5))]);
      p.label = one_of(5) == 0 ? "" : "L" + std::to_string(one_of(2));
      if (one_of(2) == 0) p.node = "wn" + std::to_string(one_of(4));
      if (one_of(3) == 0) p.payloads = one_of(2);
      if (one_of(4) == 0) p.at = later(t - one_of(7200) * 1000);
      n.pilots.push_back(p);
    }
    take(n, later(t));
    ASSERT_TRUE(last_) << last_.error().text();
    ASSERT_TRUE(book_->age(later(t), 100, changes_));
  }
  const std::string before = said(*snapshot(later(t)));
  EXPECT_THAT(before, HasSubstr("label f1:L1"));
  open(later(t));
  EXPECT_EQ(said(*snapshot(later(t))), before);
}

TEST_F(BookTest, CountsWhatHappens) {
  EXPECT_EQ(take(news({pilot("1.0", PilotState::created), pilot("1.1", PilotState::created)}), later(0)).created, 2);
  EXPECT_EQ(take(news({pilot("1.0", PilotState::running, "wn1")}), later(1000)).updated, 1);
  EXPECT_EQ(take(news({pilot("1.0", PilotState::running, "wn1")}), later(2000)).unchanged, 1);
  ASSERT_EQ(changes_.size(), 0U);
  PilotNews fault = pilot("1.1", PilotState::fault, "wn1");
  fault.failure = "cvmfs";
  take(news({fault, pilot("1.0", PilotState::done)}), later(61'000));
  const auto s = snapshot(later(62'000));
  const LabelFigures* label = s->label("f", "L");
  ASSERT_NE(label, nullptr);
  EXPECT_EQ(label->live.all(), 0);
  const Flow expected{
      .created = 2, .started = 1, .done = 1, .fault = 1, .empty = 0, .unstarted = 1, .seconds_ran = 60, .held = 1};
  EXPECT_EQ(label->hour, expected);
  EXPECT_EQ(s->factory("f")->hour, expected);
  const NodeFigures* node = s->node("wn1");
  ASSERT_NE(node, nullptr);
  EXPECT_EQ(node->last_failure, "cvmfs");
  EXPECT_EQ(node->running, 0);
  EXPECT_EQ(node->pilots.size(), 2U);
  EXPECT_EQ(snapshot(later(2 * kHour))->label("f", "L")->hour, Flow{}) << "an hour later";
}

TEST_F(BookTest, AFailureChangesNothingAndMayBeTriedAgain) {
  take(news({pilot("1.0", PilotState::created)}), later(0));
  const std::string before = said(*snapshot(later(0)));
  const auto broken = [](db::Db&) -> Status { return fail(Kind::transient, "test", "the disk is full"); };
  News more = news({pilot("1.0", PilotState::done), pilot("x#1", PilotState::created, "wn")}, "g");
  more.labels.emplace_back().name = "M";
  take(more, later(1), {broken});
  ASSERT_FALSE(last_);
  EXPECT_EQ(said(*snapshot(later(1))), before);
  take(more, later(2));
  ASSERT_TRUE(last_) << last_.error().text();
  EXPECT_EQ(snapshot(later(2))->pilots, 3);
  EXPECT_NE(snapshot(later(2))->label("g", "M"), nullptr);
}

TEST_F(BookTest, FactsOfAFailedTransactionAreWrittenByTheNext) {
  take(news({}), later(0));
  News fact = news({});
  fact.factory.version = "9";
  take(fact, later(1), {[](db::Db&) -> Status { return fail(Kind::transient, "test", "the disk is full"); }});
  ASSERT_FALSE(last_);
  ASSERT_TRUE(book_->write_history(later(2))) << "of other things";
  take(fact, later(3));
  open(later(4));
  EXPECT_EQ(snapshot(later(4))->factory("f")->version, "9");
}

TEST_F(BookTest, DetailsOfOnePilotAddUp) {
  const auto with = [](PilotState state, std::vector<Detail> details) {
    PilotNews n = pilot("1.0", state);
    n.details = std::move(details);
    return news({n});
  };
  const auto details = [&] { return find_pilot(*reader(), *key_of(1, "1.0")).value()->details; };
  take(with(PilotState::created, {{"stdout", "http://x/out"}, {"site", "A"}}), kStart);
  take(with(PilotState::running, {{"ce", "ce1"}, {"site", "B"}}), later(1000));
  EXPECT_THAT(details(),
              testing::ElementsAre(Detail{"stdout", "http://x/out"}, Detail{"site", "B"}, Detail{"ce", "ce1"}));
  EXPECT_EQ(take(with(PilotState::running, {{"ce", "ce1"}}), later(2000)).unchanged, 1);
  take(news({pilot("1.0", PilotState::done)}), later(3000));
  EXPECT_EQ(details().size(), 3U);
  // The id comes back after a schedd began anew: nothing of the earlier pilot is left.
  take(news({pilot("1.0", PilotState::created)}), later(2 * kDay));
  EXPECT_TRUE(details().empty());
}

TEST_F(BookTest, TimeAgesPilots) {
  take(news({pilot("1.0", PilotState::created), pilot("1.1", PilotState::exiting)}), later(0));
  ASSERT_TRUE(book_->age(later(kHour), 100, changes_));
  EXPECT_EQ(snapshot(later(kHour))->label("f", "L")->hour.done, 1);
  ASSERT_TRUE(book_->age(later(6 * kHour), 100, changes_));
  EXPECT_EQ(snapshot(later(6 * kHour))->label("f", "L")->live.stale, 1);
  ASSERT_TRUE(book_->age(later(31 * kHour), 100, changes_));
  const auto s = snapshot(later(31 * kHour));
  EXPECT_EQ(s->label("f", "L")->live.all(), 0);
  EXPECT_EQ(s->label("f", "L")->hour.fault, 1);
  EXPECT_EQ(find_pilot(*reader(), s->factory("f")->no, "1.0").value()->failure, "lost");
}

TEST_F(BookTest, ForgetsWhatIsPastItsTime) {
  take(news({pilot("1.0", PilotState::done), pilot("name", PilotState::done, "wn"), pilot("2.0", PilotState::created)}),
       later(0));
  take(news({pilot("3.0", PilotState::done)}), later(3 * kDay));
  ASSERT_EQ(book_->forget(later(7 * kDay - 1000), 100).value(), 0U);
  EXPECT_EQ(book_->forget(later(7 * kDay + 1000), 1).value(), 1U);
  EXPECT_EQ(book_->forget(later(7 * kDay + 1000), 100).value(), 1U);
  EXPECT_EQ(snapshot(later(7 * kDay))->pilots, 2);
  std::int64_t left = -1;
  ASSERT_TRUE(reader()->run("SELECT count(*) FROM pilot_name", {}, [&](const db::Row& row) { left = row.integer(0); }));
  EXPECT_EQ(left, 0);
  EXPECT_EQ(book_->forget(later(35 * kDay), 100).value(), 1U);
  EXPECT_EQ(book_->forget(later(35 * kDay), 100).value(), 0U);
  EXPECT_EQ(snapshot(later(35 * kDay))->node("wn"), nullptr);
  EXPECT_NE(snapshot(later(35 * kDay))->label("f", "L"), nullptr);
  ASSERT_TRUE(book_->age(later(36 * kDay), 100, changes_));
  ASSERT_TRUE(book_->age(later(36 * kDay), 100, changes_));
  EXPECT_EQ(book_->forget(later(400 * kDay), 100).value(), 1U);
  EXPECT_EQ(book_->forget(later(400 * kDay), 100).value(), 0U);
  EXPECT_EQ(book_->forget(later(400 * kDay), 100).value(), 0U);
  EXPECT_TRUE(snapshot(later(400 * kDay))->labels.empty());
  EXPECT_TRUE(snapshot(later(400 * kDay))->factories.empty());
}

TEST_F(BookTest, IsBounded) {
  options_.limits = {.factories = 1, .labels = 1, .nodes = 1};
  options_.most_pilots = 1;
  open(kStart);
  EXPECT_EQ(take(news({pilot("1.0", PilotState::done, "a")}), later(0)).refused, 0);
  EXPECT_EQ(take(news({pilot("1.0", PilotState::done)}, "g"), later(0)).refused, 2);
  PilotNews other = pilot("1.1", PilotState::done, "b");
  other.label = "M";
  EXPECT_EQ(take(news({other}), later(0)).refused, 1) << "its label; the pilot itself is taken";
  EXPECT_EQ(snapshot(later(0))->nodes.size(), 1U);
  EXPECT_EQ(snapshot(later(0))->pilots, 2);
  EXPECT_EQ(book_->forget(later(1), 1).value(), 1U) << "more than most_pilots";
}

TEST_F(BookTest, WritesHistory) {
  take(news({pilot("1.0", PilotState::created), pilot("1.1", PilotState::created)}), later(0));
  take(news({pilot("1.0", PilotState::running)}), later(6 * 60'000));
  ASSERT_TRUE(book_->write_history(later(6 * 60'000)));
  PilotNews late = pilot("1.2", PilotState::created);
  late.at = later(60'000);
  take(news({late}), later(7 * 60'000));
  open(later(7 * 60'000));  // killed before it was written
  ASSERT_TRUE(book_->write_history(later(8 * 60'000)));
  const auto db = reader();
  const auto steps = history(*db, 1, Width::step, later(-kHour), later(kHour)).value();
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].flow.created, 3);
  EXPECT_EQ(steps[1].flow.started, 1);
  EXPECT_EQ(steps[1].live.created, 2);
  EXPECT_EQ(steps[1].live.running, 1);
  std::int32_t created = 0;
  const auto hours = history(*db, 1, Width::hour, later(-kHour), later(kHour)).value();
  for (const HistoryRow& hour : hours) created += hour.flow.created;
  EXPECT_EQ(created, 3);
}

TEST_F(BookTest, ListsPilotsNewestFirstInPages) {
  std::vector<PilotNews> all;
  for (int i = 0; i < 30; ++i)
    all.push_back(pilot(std::to_string(i) + ".0", i % 3 == 0 ? PilotState::fault : PilotState::running));
  for (int i = 25; i < 30; ++i) all[i].label = "M";
  take(news({pilot("29.1", PilotState::fault), pilot("29.2", PilotState::running)}, "another"), later(0));
  take(news(all), later(0));
  const auto db = reader();
  const auto ids = [&](const PilotFilter& f) {
    std::string text;
    const auto found = list_pilots(*db, f).value();
    for (const Pilot& p : found) text += p.id + " ";
    return text;
  };
  EXPECT_EQ(ids({.label = 2, .limit = 4}), "24.0 23.0 22.0 21.0 ");
  EXPECT_EQ(ids({.label = 2, .before = *key_of(2, "21.0"), .limit = 2}), "20.0 19.0 ");
  EXPECT_EQ(ids({.label = 2, .limit = 2, .offset = 4}), "20.0 19.0 ");
  EXPECT_EQ(ids({.label = 2, .state = PilotState::fault, .limit = 3}), "24.0 21.0 18.0 ");
  EXPECT_EQ(ids({.label = 2, .state = PilotState::running, .limit = 3, .offset = 1}), "22.0 20.0 19.0 ");
  EXPECT_EQ(ids({.factory = 2, .limit = 2, .offset = 1}), "28.0 27.0 ");
  const auto now = snapshot(later(0));
  const auto of_factory = [&](PilotState state, PilotKey before, std::int64_t offset) {
    return ids({.factory = 2,
                .labels = now->labels_with(2, state),
                .state = state,
                .before = before,
                .limit = 3,
                .offset = offset});
  };
  EXPECT_EQ(of_factory(PilotState::fault, INT64_MAX, 0), "27.0 24.0 21.0 ");
  EXPECT_EQ(of_factory(PilotState::fault, *key_of(2, "24.0"), 1), "18.0 15.0 12.0 ");
  EXPECT_EQ(of_factory(PilotState::running, INT64_MAX, 2), "26.0 25.0 23.0 ");
  EXPECT_EQ(of_factory(PilotState::exiting, INT64_MAX, 0), "");
  EXPECT_EQ(ids({.label = 9}), "");
}

}  // namespace
}  // namespace apf::monitor
