#include "wrapper/payload/disk_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "process/fd.h"
#include "wrapper/payload/guardian.h"
#include "wrapper/payload/limits.h"
#include "wrapper/payload/scratch.h"

namespace apf::wrapper {
namespace {

class DiskFiles : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "apf-disk-XXXXXX";
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(directory_)); }
  std::string directory_;
};

TEST_F(DiskFiles, StartAndEndOfALongFileAreKept) {
  const process::Fd fd(::open((directory_ + "/f").c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const std::string text = "begin" + std::string(4'000'000, 'x') + "end";
  ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::fsync(fd.get());
  EXPECT_TRUE(keep_ends(fd.get(), 8'000'000));
  struct stat s{};
  ::fstat(fd.get(), &s);
  const auto before = s.st_blocks;
  if (!keep_ends(fd.get(), 1'000'000)) GTEST_SKIP() << "this file system can't punch holes";
  ::fstat(fd.get(), &s);
  EXPECT_EQ(s.st_size, static_cast<off_t>(text.size()));
  EXPECT_LT(s.st_blocks, before / 3);
  std::string start(5, '?');
  std::string end(3, '?');
  EXPECT_EQ(::pread(fd.get(), start.data(), start.size(), 0), 5);
  EXPECT_EQ(::pread(fd.get(), end.data(), end.size(), s.st_size - 3), 3);
  EXPECT_EQ(start + end, "beginend");
}

TEST_F(DiskFiles, AllBelowADirectoryIsCounted) {
  std::filesystem::create_directories(directory_ + "/a/b");
  std::ofstream(directory_ + "/a/b/f") << std::string(1'000'000, 'x');
  std::filesystem::create_hard_link(directory_ + "/a/b/f", directory_ + "/a/again");
  std::filesystem::create_symlink("/usr", directory_ + "/link");
  const std::int64_t use = disk_use(directory_);
  EXPECT_GE(use, 990'000);
  EXPECT_LT(use, 1'500'000);
  EXPECT_EQ(disk_use("/no/such"), 0);
}

TEST(Limits, TheSmallerOneHolds) {
  GuardSettings s{.directory = "/d", .wall = seconds{10}};
  limit(s, {.most_wall = seconds{5}, .most_memory = 2048, .stuck = seconds{3}});
  EXPECT_EQ(s.wall, seconds{5});
  EXPECT_EQ(s.memory_kb, 2);
  EXPECT_EQ(s.disk.stuck, seconds{3});
  EXPECT_EQ(s.disk.heartbeat, "/d/heartbeat");
  limit(s, {.most_wall = seconds{7}, .most_memory = 1 << 20});
  EXPECT_EQ(s.wall, seconds{5});
  EXPECT_EQ(s.memory_kb, 2);
}

}  // namespace
}  // namespace apf::wrapper
