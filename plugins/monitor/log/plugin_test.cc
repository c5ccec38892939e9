#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "apf/registry.h"
#include "support/test_context.h"

namespace apf {
namespace {

namespace fs = std::filesystem;

class LogMonitorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "apf monitor XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root = pattern;
    options.set("file", file());
    options.set("max_size", std::int64_t{10'000'000});
    options.set("keep", std::int64_t{2});
    options.set("pilots", true);
    options.set("queues", true);
  }
  void TearDown() override { fs::remove_all(root); }

  [[nodiscard]] std::string file() const { return (root / "factory events").string(); }
  static std::string read(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::unique_ptr<Monitor> make() {
    Registry registry;
    register_all(registry);
    auto made = find(registry.monitor, "log")->make(options);
    EXPECT_TRUE(made);
    return std::move(*made);
  }
  static PilotNote pilot() {
    PilotNote note;
    note.queue = "BNL";
    note.batch_id = "12.0";
    note.submission = "s-1";
    note.node = "wn1";
    note.state = PilotState::failed;
    note.at = Wall{1'795'305'600'000};
    return note;
  }
  static QueueNote queue() { return {"BNL", "Ready:in=0,ret=2;MaxPending:in=2,ret=1", 1, Wall{1'795'305'600'000}}; }

  Status tell(Monitor& monitor, const PilotNote& p, const QueueNote& q) {
    return monitor.tell(me, {&p, 1}, {&q, 1}, context);
  }

  fs::path root;
  Options options;
  FactoryIdentity me;
  tests::TestContext context;
};

TEST_F(LogMonitorTest, WritesALineEachThatNobodyCanBreak) {
  auto note = pilot();
  note.reason = "disk \"full\"\nqueue=FAKE\x1b[31m";
  note.exit_code = 3;
  ASSERT_TRUE(tell(*make(), note, queue()));
  EXPECT_EQ(read(file()),
            "2026-11-22T00:00:00Z pilot queue=BNL id=12.0 state=failed submission=s-1 index=0 node=wn1 exit=3 "
            "reason=\"disk \\\"full\\\"\\nqueue=FAKE\\x1b[31m\"\n"
            "2026-11-22T00:00:00Z queue queue=BNL n=1 decision=\"Ready:in=0,ret=2;MaxPending:in=2,ret=1\"\n");
}

TEST_F(LogMonitorTest, TellsOnlyWhatIsWanted) {
  options.set("pilots", false);
  ASSERT_TRUE(tell(*make(), pilot(), queue()));
  EXPECT_EQ(read(file()).find(" pilot "), std::string::npos);
  EXPECT_NE(read(file()).find(" queue "), std::string::npos);
}

TEST_F(LogMonitorTest, GoesToTheFactorysLogWithoutAFile) {
  options.set("file", std::string{});
  ASSERT_TRUE(tell(*make(), pilot(), queue()));
  ASSERT_EQ(context.logged.size(), 2U);
  EXPECT_EQ(context.logged[0].level, Level::info);
  EXPECT_NE(context.logged[0].message.find("id=12.0"), std::string::npos);
}

TEST_F(LogMonitorTest, KeepsABoundedNumberOfFilesWithoutLosingALine) {
  options.set("max_size", std::int64_t{4096});
  const auto monitor = make();
  std::size_t told = 0;
  while (!fs::exists(file() + ".2")) {
    ASSERT_TRUE(tell(*monitor, pilot(), queue()));
    told += 2;
    ASSERT_LT(told, 1000U);
  }
  const std::string all = read(file() + ".2") + read(file() + ".1") + read(file());
  EXPECT_EQ(static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n')), told);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(tell(*monitor, pilot(), queue()));
  EXPECT_EQ(std::distance(fs::directory_iterator(root), fs::directory_iterator()), 3);
  for (const auto& f : fs::directory_iterator(root)) EXPECT_LT(fs::file_size(f), 5000U);
}

TEST_F(LogMonitorTest, SaysWhyItCannotWriteAndGoesOnLater) {
  options.set("file", (root / "later" / "events").string());
  const auto monitor = make();
  const auto status = tell(*monitor, pilot(), queue());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, Kind::transient);
  EXPECT_NE(status.error().text().find("later/events"), std::string::npos);
  fs::create_directory(root / "later");
  EXPECT_TRUE(tell(*monitor, pilot(), queue()));
}

}  // namespace
}  // namespace apf
