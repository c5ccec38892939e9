#include "store/database.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace apf::store {
namespace {

namespace fs = std::filesystem;

constexpr std::array kVersion1{Migration{1, "CREATE TABLE t(k INTEGER PRIMARY KEY, v TEXT)"}};
constexpr std::array kVersion2{kVersion1[0], Migration{2, "ALTER TABLE t ADD COLUMN w REAL; CREATE INDEX tv ON t(v)"}};

class DatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "apf-store-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    file_ = directory_ / "a.db";
  }
  void TearDown() override { fs::remove_all(directory_); }

  [[nodiscard]] Result<Database> open(std::span<const Migration> migrations = kVersion1,
                                      const OpenOptions& options = {.owner = "apf test"}) const {
    return Database::open(file_.string(), migrations, options);
  }
  [[nodiscard]] std::string code_of_open(std::span<const Migration> migrations = kVersion1,
                                         const OpenOptions& options = {.owner = "apf test"}) const {
    auto db = open(migrations, options);
    return db ? "opened" : db.error().code;
  }

  fs::path directory_, file_;
};

Status put(Database& db, std::int64_t key, std::string_view value) {
  auto insert = db.prepare("INSERT OR REPLACE INTO t(k,v) VALUES(?,?)");
  if (!insert) return fail(insert.error());
  return insert->bind(1, key).bind(2, value).run();
}
std::string get(Database& db, std::int64_t key) {
  auto select = db.prepare("SELECT v FROM t WHERE k=?");
  if (!select) return select.error().text();
  auto row = select->bind(1, key).step();
  if (!row) return row.error().text();
  return *row ? select->text(0) : "(no row)";
}

std::string step(Statement& statement) {
  auto row = statement.step();
  if (!row) return row.error().text();
  return *row ? "row" : "end";
}

TEST_F(DatabaseTest, MakesAPrivateFileAndKeepsRows) {
  {
    auto db = open();
    ASSERT_TRUE(db) << db.error().text();
    EXPECT_TRUE(db->created());
    ASSERT_TRUE(put(*db, 7, "seven"));
  }
  struct stat st{};
  ASSERT_EQ(::stat(file_.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0600U);
  auto db = open();
  ASSERT_TRUE(db) << db.error().text();
  EXPECT_FALSE(db->created());
  EXPECT_EQ(get(*db, 7), "seven");
}

TEST_F(DatabaseTest, StatementsAreUsedAgainAndKeepTheirTypes) {
  auto db = open(kVersion2);
  ASSERT_TRUE(db) << db.error().text();
  auto insert = db->prepare("INSERT INTO t(k,v,w) VALUES(?,?,?)");
  ASSERT_TRUE(insert) << insert.error().text();
  const std::string with_zero("a\0b", 3);
  ASSERT_TRUE(insert->bind(1, std::int64_t{1}).bind(2, with_zero).bind(3, 2.5).run());
  ASSERT_TRUE(insert->bind(1, INT64_MIN).bind(2, std::string_view{}).bind_null(3).run());

  auto select = db->prepare("SELECT k,v,w FROM t ORDER BY k");
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(step(*select), "row");
    EXPECT_EQ(select->integer(0), INT64_MIN);
    EXPECT_FALSE(select->is_null(1)) << "an empty view is empty text";
    EXPECT_TRUE(select->is_null(2));
    ASSERT_EQ(step(*select), "row");
    EXPECT_EQ(select->text(1), with_zero);
    EXPECT_EQ(select->real(2), 2.5);
    ASSERT_EQ(step(*select), "end");
  }
}

TEST_F(DatabaseTest, BindStartsAnewWhileARowStands) {
  auto db = open();
  ASSERT_TRUE(put(*db, 1, "one") && put(*db, 2, "two"));
  auto select = db->prepare("SELECT v FROM t WHERE k=?");
  ASSERT_EQ(step(select->bind(1, std::int64_t{1})), "row");
  ASSERT_EQ(step(select->bind(1, std::int64_t{2})), "row");
  EXPECT_EQ(select->text(0), "two");
}

TEST_F(DatabaseTest, OurOwnMistakesAreBugs) {
  auto db = open();
  EXPECT_EQ(db->prepare("SELEKT 1").error().kind, Kind::bug);
  EXPECT_EQ(db->prepare("").error().kind, Kind::bug);
  EXPECT_EQ(db->prepare("SELECT 1; SELECT 2").error().kind, Kind::bug);
  auto select = db->prepare("SELECT ?");
  EXPECT_EQ(select->bind(2, std::int64_t{1}).step().error().kind, Kind::bug) << "there is no second parameter";
  EXPECT_EQ(Statement().step().error().kind, Kind::bug);
}

TEST_F(DatabaseTest, StatementMayOutliveItsDatabase) {
  auto db = open();
  auto select = db->prepare("SELECT count(*) FROM t");
  db = fail(Kind::bug, "gone", "");
  ASSERT_EQ(step(*select), "row");
  EXPECT_EQ(select->integer(0), 0);
}

TEST_F(DatabaseTest, TransactionsAreWholeOrNothing) {
  auto db = open();
  ASSERT_TRUE(db->synchronous(true));
  ASSERT_TRUE(db->begin());
  ASSERT_TRUE(put(*db, 1, "kept"));
  ASSERT_TRUE(db->commit());
  ASSERT_TRUE(db->begin());
  ASSERT_TRUE(put(*db, 1, "dropped"));
  db->rollback();
  db->rollback();  // harmless
  EXPECT_EQ(get(*db, 1), "kept");
}

TEST_F(DatabaseTest, MigratesAfterACopy) {
  {
    auto db = open(kVersion1);
    ASSERT_TRUE(put(*db, 3, "old"));
  }
  auto db = open(kVersion2);
  ASSERT_TRUE(db) << db.error().text();
  ASSERT_TRUE(db->execute("UPDATE t SET w=1.5"));
  EXPECT_EQ(get(*db, 3), "old");

  file_ = directory_ / "a.db.v1";
  auto copy = open(kVersion1);
  ASSERT_TRUE(copy) << copy.error().text();
  EXPECT_EQ(get(*copy, 3), "old");
  EXPECT_FALSE(fs::exists(directory_ / "a.db.v1.part"));
  EXPECT_FALSE(fs::exists(directory_ / "a.db.v0")) << "a new file needs no copy";
}

TEST_F(DatabaseTest, FailedMigrationChangesNothing) {
  {
    auto db = open(kVersion1);
    ASSERT_TRUE(put(*db, 3, "old"));
  }
  const std::array broken{kVersion1[0], Migration{2, "DROP TABLE t"}, Migration{3, "CREATE GARBAGE"}};
  EXPECT_EQ(code_of_open(broken), "store.failed");
  auto db = open(kVersion1);
  ASSERT_TRUE(db) << db.error().text();
  EXPECT_EQ(get(*db, 3), "old");
}

TEST_F(DatabaseTest, RefusesANewerSchemaAndNamesTheCopy) {
  ASSERT_EQ(code_of_open(kVersion2), "opened");
  auto db = open(kVersion1);
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().code, "store.newer");
  EXPECT_EQ(db.error().kind, Kind::config);
  EXPECT_NE(db.error().advice.find("a.db.v1"), std::string::npos);
  EXPECT_EQ(db.error().where, file_.string());
}

TEST_F(DatabaseTest, RefusesForeignFiles) {
  ASSERT_EQ(code_of_open(), "opened");
  auto other = open(kVersion1, {.owner = "apf jobqueue"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, "store.foreign");
  EXPECT_EQ(other.error().what, "the database belongs to 'apf test', not to 'apf jobqueue'");

  // A database of another program altogether: ours with the mark taken away.
  {
    auto db = open();
    ASSERT_TRUE(db->execute("PRAGMA application_id=0"));
  }
  EXPECT_EQ(code_of_open(), "store.foreign");
}

TEST_F(DatabaseTest, RefusesWhatIsNoDatabase) {
  std::ofstream(file_) << std::string(8192, 'x');
  EXPECT_EQ(code_of_open(), "store.corrupt");
  EXPECT_EQ(fs::file_size(file_), 8192U) << "it is left as it was";
}

TEST_F(DatabaseTest, FindsDamageInTheMiddle) {
  {
    auto db = open();
    ASSERT_TRUE(db->begin());
    for (int i = 0; i < 2000; ++i) ASSERT_TRUE(put(*db, i, std::string(100, 'v')));
    ASSERT_TRUE(db->commit());
  }
  {
    std::fstream f(file_, std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(5 * 4096L);
    for (int i = 0; i < 20 * 4096; ++i) f.put('\xff');
  }
  EXPECT_EQ(code_of_open(kVersion1, {.owner = "apf test", .check = true}), "store.corrupt");
  auto db = open();  // without the check it is found when the rows are read
  ASSERT_TRUE(db) << db.error().text();
  auto sum = db->prepare("SELECT sum(length(v)) FROM t");
  auto row = sum->step();
  ASSERT_FALSE(row);
  EXPECT_EQ(row.error().code, "store.corrupt");
  EXPECT_EQ(row.error().kind, Kind::permanent);
}

TEST_F(DatabaseTest, ReadOnlyConnectionsSeeWritesAndCantWrite) {
  const OpenOptions reader{.read_only = true, .owner = "apf test"};
  EXPECT_EQ(code_of_open(kVersion1, reader), "store.cannot_open") << "it never makes a file";
  EXPECT_FALSE(fs::exists(file_));
  auto writer = open();
  ASSERT_TRUE(writer);
  auto db = open(kVersion1, reader);
  ASSERT_TRUE(db) << db.error().text();
  ASSERT_TRUE(put(*writer, 1, "fresh"));
  EXPECT_EQ(get(*db, 1), "fresh");
  EXPECT_EQ(put(*db, 1, "never").error().code, "store.read_only");
  EXPECT_EQ(code_of_open(kVersion2, reader), "store.older");
}

// Access rights don't bind root: become nobody for a while.
class Unprivileged {
 public:
  Unprivileged() { held_ = ::geteuid() != 0 || ::seteuid(65534) == 0; }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;
  ~Unprivileged() { restored_ = ::seteuid(::getuid()) == 0; }
  [[nodiscard]] bool held() const { return held_; }

 private:
  bool held_ = false, restored_ = false;
};

TEST_F(DatabaseTest, ReadOnlyDirectoryIsSaid) {
  fs::permissions(directory_,
                  fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec);
  {
    const Unprivileged nobody;
    ASSERT_TRUE(nobody.held());
    auto db = open();
    ASSERT_FALSE(db);
    EXPECT_EQ(db.error().code, "store.read_only");
  }
  fs::permissions(directory_, fs::perms::owner_all);
}

TEST_F(DatabaseTest, ReadOnlyFileOrItsDirectoryIsSaid) {
  ASSERT_EQ(code_of_open(), "opened");
  fs::permissions(file_, fs::perms::owner_read | fs::perms::others_read);
  fs::permissions(directory_, fs::perms::owner_all | fs::perms::others_all);
  {
    const Unprivileged nobody;
    EXPECT_EQ(code_of_open(), "store.read_only") << "the file";
  }
  fs::permissions(file_,
                  fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_read | fs::perms::others_write);
  fs::permissions(directory_,
                  fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec);
  {
    const Unprivileged nobody;
    EXPECT_EQ(code_of_open(), "store.read_only") << "the directory";
  }
  fs::permissions(directory_, fs::perms::owner_all);
}

TEST_F(DatabaseTest, MissingDirectoryIsSaid) {
  file_ = directory_ / "no" / "a.db";
  EXPECT_EQ(code_of_open(), "store.cannot_open");
}

// Writes until it fails, then shows that it goes on once there is room again.
void fill_and_recover(Database& db, const std::function<void()>& make_room) {
  ASSERT_TRUE(put(db, 0, "kept"));
  Status s;
  for (int i = 1; s && i < 100000; ++i) s = put(db, i, std::string(1000, 'v'));
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, "store.full");
  EXPECT_EQ(s.error().kind, Kind::transient);
  EXPECT_EQ(get(db, 0), "kept");
  make_room();
  auto again = put(db, -1, "fits");
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(get(db, -1), "fits");
}

TEST_F(DatabaseTest, FullByItsOwnLimit) {
  auto db = open();
  ASSERT_TRUE(db->execute("PRAGMA max_page_count=50"));
  fill_and_recover(*db, [&] { ASSERT_TRUE(db->execute("PRAGMA max_page_count=5000")); });
}

TEST_F(DatabaseTest, FullDisk) {
  if (::mount("tmpfs", directory_.c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "needs the right to mount; FullByItsOwnLimit holds the mapping of the error";
  }
  {
    const auto ballast = directory_ / "ballast";
    std::ofstream(ballast) << std::string(400000, 'b');
    auto db = open();
    ASSERT_TRUE(db) << db.error().text();
    fill_and_recover(*db, [&] { fs::remove(ballast); });
    file_ = directory_ / "b.db";
    std::ofstream(ballast) << std::string(1 << 20, 'b');
    EXPECT_EQ(code_of_open(), "store.full");
  }
  ASSERT_EQ(::umount(directory_.c_str()), 0);
}

TEST_F(DatabaseTest, BusyIsTransient) {
  auto one = open();
  auto two = open(kVersion1, {.owner = "apf test", .busy_ms = 1});
  ASSERT_TRUE(one->begin());
  auto second = two->begin();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "store.busy");
  EXPECT_EQ(second.error().kind, Kind::transient);
  ASSERT_TRUE(one->commit());
  EXPECT_TRUE(two->begin());
}

TEST_F(DatabaseTest, ManyMayMakeTheSameFileAtOnce) {
  std::array<std::string, 8> codes;
  std::vector<std::thread> threads;
  threads.reserve(codes.size());
  for (auto& code : codes)
    threads.emplace_back([&] { code = code_of_open(kVersion2, {.owner = "apf test", .busy_ms = 20000}); });
  for (auto& t : threads) t.join();
  for (const auto& code : codes) EXPECT_EQ(code, "opened");
}

}  // namespace
}  // namespace apf::store
