#include "db/checkpoints.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>

#include "support/directory.h"

namespace apf::db {
namespace {

constexpr std::array kSchema{store::Migration{1, "CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT NOT NULL)"}};
constexpr Checkpoints::Limits kSmall{.begin = 40, .rest = 10, .most = 120};
constexpr std::uintmax_t kPage = 4096 + 24;  // as it is in the log

class CheckpointsTest : public testing::Test {
 protected:
  store::Database open(bool read_only = false) {
    store::OpenOptions options;
    options.owner = "tests";
    options.read_only = read_only;
    return std::move(*store::Database::open(file_, kSchema, options));
  }
  void write(store::Database& db, Checkpoints& checkpoints, int commits) {
    auto insert = db.prepare("INSERT INTO t(s) VALUES (?1)").value();
    for (int i = 0; i < commits; ++i) {
      ASSERT_TRUE(db.begin());
      ASSERT_TRUE(insert.bind(1, std::string_view(text_)).run());
      ASSERT_TRUE(db.commit());
      checkpoints.after_commit();
    }
  }
  std::uintmax_t log_pages() const { return std::filesystem::file_size(file_ + "-wal") / kPage; }
  static std::int64_t rows(store::Database& db) {
    auto count = db.prepare("SELECT count(*) FROM t").value();
    EXPECT_TRUE(count.step().value());
    return count.integer(0);
  }

  tests::Directory dir_;
  std::string file_ = dir_.file("x.db");
  std::string text_ = std::string(12'000, 'x');  // three pages
};

TEST_F(CheckpointsTest, KeepTheLogSmallWhileOthersWrite) {
  auto writer = open();
  Checkpoints checkpoints(writer, open(), kSmall);
  write(writer, checkpoints, 1000);
  // A pass and what the writer copies itself: the log began anew again and again.
  EXPECT_LT(log_pages(), 1000U);
  auto reader = open(true);
  EXPECT_EQ(rows(reader), 1000);
}

TEST_F(CheckpointsTest, WaitForNoReader) {
  auto writer = open();
  Checkpoints checkpoints(writer, open(), kSmall);
  auto reader = open(true);
  write(writer, checkpoints, 1);
  auto held = reader.prepare("SELECT s FROM t").value();
  ASSERT_TRUE(held.step().value());  // sees one row until it is reset
  write(writer, checkpoints, 500);
  const auto grown = log_pages();
  EXPECT_GT(grown, 500U);
  held.reset();
  write(writer, checkpoints, 500);
  EXPECT_LT(log_pages(), grown + 500U) << "it never began anew";
  EXPECT_EQ(rows(reader), 1001);
}

}  // namespace
}  // namespace apf::db
