#include "db/db.h"

#include <gtest/gtest.h>

#include <array>

#include "support/test_store.h"

namespace apf::db {
namespace {

constexpr std::array kSchema{
    Migration{1, "CREATE TABLE t(id {KEY}, n bigint, s text); CREATE TABLE u(a text NOT NULL PRIMARY KEY) {NO_ROWID};"},
    Migration{2, "ALTER TABLE t ADD COLUMN more bigint NOT NULL DEFAULT 7"}};

class DbTest : public testing::Test {
 protected:
  std::unique_ptr<Db> open_db(Use use = Use::write) { return open(store_.place(), kSchema, use).value(); }
  static std::int64_t count(Db& db) {
    std::int64_t n = -1;
    EXPECT_TRUE(db.run("SELECT count(*) FROM t", {}, [&](const Row& row) { n = row.integer(0); }));
    return n;
  }
  apf::tests::TestStore store_;
};

TEST_F(DbTest, WritesAndReadsAllKindsOfValues) {
  const auto db = open_db();
  const std::string text = "a'b\"\xe2\x82\xac";
  ASSERT_TRUE(
      db->run("INSERT INTO t(id, n, s) VALUES ($1, $2, $3)", {INT64_MAX, INT64_MIN, std::string_view(text)}, {}));
  ASSERT_TRUE(
      db->run("INSERT INTO t(id, n, s) VALUES ($1, $2, $3)", {std::int64_t{1}, Value(), std::string_view("")}, {}));
  int rows = 0;
  ASSERT_TRUE(db->run("SELECT id, n, s, more FROM t ORDER BY id DESC", {}, [&](const Row& row) {
    if (++rows == 1) {
      EXPECT_EQ(row.integer(0), INT64_MAX);
      EXPECT_EQ(row.integer(1), INT64_MIN);
      EXPECT_EQ(row.text(2), text);
    } else {
      EXPECT_TRUE(row.is_null(1));
      EXPECT_FALSE(row.is_null(2));
      EXPECT_EQ(row.text(2), "");
    }
    EXPECT_EQ(row.integer(3), 7);
  }));
  EXPECT_EQ(rows, 2);
}

TEST_F(DbTest, ParametersMayStandInAnyOrderAndTwice) {
  const auto db = open_db();
  ASSERT_TRUE(db->run("INSERT INTO t(n, id, s) VALUES ($2, $1, $3)",
                      {std::int64_t{1}, std::int64_t{2}, std::string_view("x")}, {}));
  std::int64_t found = 0;
  ASSERT_TRUE(db->run("SELECT n FROM t WHERE id = $1 OR n = $1 + 5", {std::int64_t{1}},
                      [&](const Row& row) { found = row.integer(0); }));
  EXPECT_EQ(found, 2);
}

TEST_F(DbTest, RunsManyAndTellsThemApart) {
  const auto db = open_db();
  std::vector<Values> rows;
  for (std::int64_t i = 0; i < 1000; ++i) rows.push_back({i, i * i, std::string_view("x")});
  ASSERT_TRUE(db->begin());
  ASSERT_TRUE(db->run_all("INSERT INTO t(id, n, s) VALUES ($1, $2, $3)", rows, {}));
  ASSERT_TRUE(db->commit());
  std::vector<Values> ids;
  for (std::int64_t i = 999; i >= 0; --i) ids.push_back({i * 2});
  std::size_t found = 0;
  ASSERT_TRUE(db->run_all("SELECT n FROM t WHERE id = $1", ids, [&](std::size_t which, const Row& row) {
    const auto id = static_cast<std::int64_t>(999 - which) * 2;
    EXPECT_EQ(row.integer(0), id * id);
    ++found;
  }));
  EXPECT_EQ(found, 500U);
}

TEST_F(DbTest, ATransactionHappensAsAWholeOrNot) {
  const auto db = open_db();
  ASSERT_TRUE(db->begin());
  ASSERT_TRUE(db->run("INSERT INTO t(id) VALUES ($1)", {std::int64_t{1}}, {}));
  const std::vector<Values> twice = {{std::int64_t{2}}, {std::int64_t{1}}, {std::int64_t{3}}};
  const auto refused = db->run_all("INSERT INTO t(id) VALUES ($1)", twice, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::permanent);
  db->rollback();
  db->rollback();
  EXPECT_EQ(count(*db), 0);
  ASSERT_TRUE(db->begin()) << "and it works again";
  ASSERT_TRUE(db->run("INSERT INTO t(id) VALUES ($1)", {std::int64_t{1}}, {}));
  ASSERT_TRUE(db->commit());
  EXPECT_EQ(count(*db), 1);
}

TEST_F(DbTest, ReadersSeeWhatIsCommittedAndWriteNothing) {
  const auto db = open_db();
  const auto reader = open_db(Use::read);
  ASSERT_TRUE(db->begin());
  ASSERT_TRUE(db->run("INSERT INTO t(id) VALUES ($1)", {std::int64_t{1}}, {}));
  EXPECT_EQ(count(*reader), 0);
  ASSERT_TRUE(db->commit());
  EXPECT_EQ(count(*reader), 1);
  EXPECT_FALSE(reader->run("INSERT INTO t(id) VALUES ($1)", {std::int64_t{2}}, {}));
}

TEST_F(DbTest, SchemasAreBroughtUpToDateAndNeverBack) {
  ASSERT_TRUE(open(store_.place(), std::span(kSchema).first(1), Use::write));
  EXPECT_EQ(open(store_.place(), kSchema, Use::read).error().code, "store.older");
  ASSERT_TRUE(open_db()->run("INSERT INTO t(id, more) VALUES ($1, $1)", {std::int64_t{1}}, {}));
  const auto old = open(store_.place(), std::span(kSchema).first(1), Use::write);
  ASSERT_FALSE(old);
  EXPECT_TRUE(old.error().code == "store.newer" || old.error().code == "db.newer") << old.error().text();
  Place other = store_.place();
  other.owner = "somebody else";
  EXPECT_EQ(open(other, kSchema, Use::write).error().code, "store.foreign");
}

TEST(Db, SaysThatAServerIsNotThere) {
  const auto db = open({"", "host=/nonexistent user=apf dbname=x", "tests"}, kSchema, Use::write);
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().code, "db.unreachable");
  EXPECT_EQ(db.error().kind, Kind::transient);
}

}  // namespace
}  // namespace apf::db
