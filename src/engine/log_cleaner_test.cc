#include "engine/log_cleaner.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "engine/host_watch.h"
#include "engine/random.h"

namespace apf::engine {
namespace {

namespace fs = std::filesystem;

class LogCleanerTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(dir_); }
  std::string file(const std::string& name, int days_old, std::size_t bytes = 4096) {
    const std::string path = dir_ + "/" + name;
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << std::string(bytes, 'x');
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours{24 * days_old});
    return path;
  }
  CleanOrder order() { return {.log_dir = dir_, .keep = {}, .live = {}, .now = wall_now()}; }
  std::string dir_ = testing::TempDir() + "logs-" + random_name(8);
};

TEST_F(LogCleanerTest, OldFilesGoByTheirQueuesAge) {
  const auto a = file("2026-11-10/Q/1.0.out", 10);
  const auto b = file("2026-11-10/KEEP/2.0.out", 10);
  const auto c = file("2026-11-10/Q/3.0.out", 1);
  auto o = order();
  o.keep = {{"Q", seconds{7L * 86400}}, {"KEEP", seconds{30L * 86400}}};
  const auto done = clean_logs(o);
  EXPECT_FALSE(fs::exists(a));
  EXPECT_TRUE(fs::exists(b));
  EXPECT_TRUE(fs::exists(c));
  EXPECT_EQ(done.files, 1);
  EXPECT_EQ(done.left_files, 2);
}

TEST_F(LogCleanerTest, FilesOfLivePilotsStayWhateverTheirAge) {
  const auto out = file("2026-11-01/Q/12.0.out", 30);
  const auto cluster = file("2026-11-01/Q/12.log", 30);
  const auto other = file("2026-11-01/Q/120.0.out", 30);
  const auto local = file("2026-11-01/Q/4711.err", 30);
  auto o = order();
  o.most_bytes = 1;
  add_live(o.live, "12.0");
  add_live(o.live, "4711");
  clean_logs(o);
  EXPECT_TRUE(fs::exists(out));
  EXPECT_TRUE(fs::exists(cluster));
  EXPECT_TRUE(fs::exists(local));
  EXPECT_FALSE(fs::exists(other));
}

TEST_F(LogCleanerTest, BytesAndFreeSpaceTakeTheOldestFirst) {
  const auto oldest = file("2026-11-18/Q/1.0.out", 3), middle = file("2026-11-19/Q/2.0.out", 2),
             newest = file("2026-11-20/Q/3.0.out", 1);
  auto o = order();
  o.most_bytes = 2 * 4096;
  clean_logs(o);
  EXPECT_FALSE(fs::exists(oldest));
  EXPECT_TRUE(fs::exists(middle));
  o.most_bytes = 0;
  o.least_free = 1000;
  o.free_space = [] { return 999; };
  clean_logs(o);
  EXPECT_FALSE(fs::exists(middle));
  EXPECT_TRUE(fs::exists(newest));
}

TEST_F(LogCleanerTest, EmptyDaysGoAndStrangersStay) {
  file("2026-11-01/Q/1.0.out", 30);
  const auto stranger = file("notes/mine.txt", 300);
  const auto loose = file("2026-11-01.txt", 300);
  const auto deep = file("2026-11-02/Q/deeper/1.0.out", 300);
  clean_logs(order());
  EXPECT_FALSE(fs::exists(dir_ + "/2026-11-01"));
  EXPECT_TRUE(fs::exists(stranger));
  EXPECT_TRUE(fs::exists(loose));
  EXPECT_TRUE(fs::exists(deep));
}

TEST_F(LogCleanerTest, LinksAreNotFollowed) {
  const auto outside = file("elsewhere/1.0.out", 300);
  fs::create_directories(dir_ + "/2026-11-01");
  fs::create_directory_symlink(dir_ + "/elsewhere", dir_ + "/2026-11-01/Q");
  clean_logs(order());
  EXPECT_TRUE(fs::exists(outside));
}

TEST(HostWatch, ReadsAvailableMemory) {
  EXPECT_EQ(available_memory("MemTotal:  100 kB\nMemAvailable:   2048 kB\nBuffers: 1 kB\n"), 2048 * 1024);
  EXPECT_EQ(available_memory("MemTotal: 1 kB\n"), std::numeric_limits<std::int64_t>::max());
}

TEST(HostWatch, TakesTheLeastOfItsDirectories) {
  const auto one = look_at_host({testing::TempDir()});
  EXPECT_GT(one.free_disk, 0);
  EXPECT_GT(one.free_memory, 0);
  EXPECT_EQ(look_at_host({testing::TempDir(), "/does/not/exist"}).free_disk, 0);
}

}  // namespace
}  // namespace apf::engine
