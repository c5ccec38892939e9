// The text forms: records, orders, the log of ended pilots.
#include <sys/stat.h>

#include "ended_log.h"
#include "rows.h"
#include "support/local_batch.h"

namespace apf::local {
namespace {

TEST(Record, KeepsAnyValueThroughItsText) {
  for (const char separator : {'\n', '\t'}) {
    Record r;
    for (const char* value :
         {"", "plain", "a b", "tab\there", "line\nline", "\\n", "\\", "end=.", "=", "\x01id\x01", "ü"})
      r.add("value", value);
    r.add("number", std::int64_t{-42});
    const auto text = r.encode(separator);
    const auto back = Record::decode(text, separator);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, r);
    EXPECT_EQ(back->number("number"), -42);
    EXPECT_EQ(back->number("value", 7), 7) << "not a number";
    EXPECT_EQ(Record::decode(text + "\n", separator), r);
    for (std::size_t n = 0; n < text.size(); ++n) EXPECT_FALSE(Record::decode(text.substr(0, n), separator)) << n;
  }
}

TEST(Record, RefusesWhatIsNotOne) {
  for (const char* text : {"", "end", "x\nend=.", "=x\nend=.", "a=\\q\nend=.", "a=\\\nend=.", "a=b\nend=.\n\nmore"})
    EXPECT_FALSE(Record::decode(text, '\n')) << text;
}

TEST(Order, SurvivesItsRecordAndFillsItsMarks) {
  Order o;
  o.submission = "s-1";
  o.queue = "q";
  o.factory = "f";
  o.run = 7;
  o.n = 3;
  o.submitted_ms = 12;
  o.executable = "/bin/x y";
  o.arguments = {"", "a\nb", "a"};
  o.environment = {{"A", "x=y\n"}, {"B", ""}};
  o.grace_ms = 5;
  o.nice = 19;
  const auto back = Order::from(*Record::decode(o.record().encode('\n'), '\n'));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->record(), o.record());
  EXPECT_EQ(back->arguments, o.arguments);
  EXPECT_EQ(back->environment, o.environment);
  EXPECT_EQ(o.name(), "0000000000012-s-1");
  EXPECT_EQ(o.filled("u/\x01id\x01.out #\x01index\x01", 2), "u/s-1.2.out #2");
  EXPECT_FALSE(Order::from(Record{}));
}

class EndedLogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "apf log XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory = pattern;
  }
  void TearDown() override { fs::remove_all(directory); }

  static std::vector<Record> records(int from, int to) {
    std::vector<Record> all;
    for (int i = from; i < to; ++i) all.emplace_back().add("i", i);
    return all;
  }
  std::vector<int> read(const EndedLog& log, std::string& cursor) {
    std::vector<int> seen;
    auto next = log.read(cursor, [&](const Record& r) { seen.push_back(static_cast<int>(r.number("i"))); });
    EXPECT_TRUE(next);
    cursor = next.value_or("");
    return seen;
  }
  std::string directory;
};

TEST_F(EndedLogTest, ReadsOnFromItsCursorOverFiles) {
  const EndedLog log(directory, 100);
  std::string cursor;
  EXPECT_TRUE(read(log, cursor).empty());
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(log.append(records(i, i + 1)));
    EXPECT_EQ(read(log, cursor), std::vector<int>{i});
  }
  EXPECT_GT(list(directory)->size(), 3U);
  for (const char* start : {"", "rubbish", "1", "1:", "-1:-1", "999:0", "0:5"}) {
    std::string c = start;
    EXPECT_EQ(read(log, c).size(), 50U) << start;
    EXPECT_EQ(c, cursor);
  }
}

TEST_F(EndedLogTest, ATornLineIsSkippedAndSwallowsNothing) {
  const EndedLog log(directory);
  ASSERT_TRUE(log.append(records(0, 2)));
  const std::string file = directory + "/" + list(directory)->front();
  for (const char* torn : {"i=7", "i=8\tend=", "\t", "i=9\tend=.garbage"}) {
    std::ofstream(file, std::ios::app) << torn;
    std::string cursor;
    read(log, cursor);
    ASSERT_TRUE(log.append(records(2, 4)));
    EXPECT_EQ(read(log, cursor), (std::vector<int>{2, 3})) << torn;
  }
}

TEST_F(EndedLogTest, CleansOldFilesAndNeverTheNewest) {
  const EndedLog log(directory, 100);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(log.append(records(i, i + 1)));
  std::string at_start = "1:0";
  ASSERT_TRUE(log.clean(wall_ms() - 60'000));
  EXPECT_EQ(read(log, at_start).size(), 50U) << "they are young";
  ASSERT_TRUE(log.clean(wall_ms() + 60'000));
  EXPECT_EQ(list(directory)->size(), 1U);
  std::string cursor = "1:0";  // of a file that has gone
  EXPECT_FALSE(read(log, cursor).empty());
  ASSERT_TRUE(log.append(records(50, 51)));
  EXPECT_EQ(read(log, cursor), std::vector<int>{50});
}

TEST(Rows, SurviveTheLog) {
  Order o;
  o.submission = "s-1";
  o.queue = "q";
  o.factory = "f";
  o.instance = "mine";
  o.run = 7;
  o.submitted_ms = 1000;
  PilotSeen row = pending_row(o, 4, "mine");
  End end;
  end.state = "failed";
  end.reason = "ended by signal 9";
  end.node = "n";
  end.started_ms = 2000;
  end.ended_ms = 5000;
  end.wall_ms = 2900;
  end.cpu_ms = 100;
  put(row, End::from(*Record::decode(end.record().encode('\n'), '\n')));
  const PilotSeen back = row_of(log_record(o, row), "mine");
  EXPECT_EQ(back.batch_id, "s-1.4");
  EXPECT_EQ(back.index, 4U);
  EXPECT_EQ(back.run, 7U);
  EXPECT_FALSE(back.foreign);
  EXPECT_TRUE(row_of(log_record(o, row), "another").foreign);
  EXPECT_EQ(back.state, PilotState::failed);
  EXPECT_EQ(back.reason, end.reason);
  EXPECT_EQ(back.submitted.ms, 1000);
  EXPECT_EQ(back.started.ms, 2000);
  EXPECT_EQ(back.ended.ms, 5000);
  EXPECT_EQ(back.exit_code, -1);
  EXPECT_FLOAT_EQ(back.wall_s, 2.9F);
  EXPECT_FLOAT_EQ(back.cpu_s, 0.1F);
}

}  // namespace
}  // namespace apf::local
