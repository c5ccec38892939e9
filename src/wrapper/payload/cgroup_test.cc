#include "wrapper/payload/cgroup.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "wrapper/payload/scratch.h"

namespace apf::wrapper {
namespace {

namespace fs = std::filesystem;

// A /proc and a /sys as different kernels show them.
class CgroupFiles : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "apf-cgroup-XXXXXX";
    ASSERT_NE(::mkdtemp(root_.data()), nullptr);
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(root_)); }
  void file(const std::string& path, const std::string& text) const {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string root_;
};

TEST_F(CgroupFiles, VersionTwoTakesTheLeastOfAllLevels) {
  file("/proc/self/cgroup", "0::/slice/job/pilot\n");
  const std::string top = "/sys/fs/cgroup";
  file(top + "/cgroup.controllers", "cpu memory\n");
  for (const char* level : {"", "/slice", "/slice/job", "/slice/job/pilot"}) file(top + level + "/cgroup.procs", "");
  file(top + "/slice/memory.max", "8000000\n");
  file(top + "/slice/job/memory.max", "2000000\n");
  file(top + "/slice/job/memory.current", "500000\n");
  file(top + "/slice/job/pilot/memory.max", "max\n");
  file(top + "/slice/job/cpu.max", "150000 100000\n");
  file(top + "/slice/job/pilot/cpu.max", "max 100000\n");
  file(top + "/slice/job/pilot/pids.max", "77\n");
  file(top + "/slice/job/pilot/cpuset.cpus.effective", "0-1,4\n");
  file(top + "/slice/job/pilot/memory.events", "low 0\nhigh 0\nmax 4\noom 1\noom_kill 3\n");
  const Cgroup c = find_cgroup(root_);
  EXPECT_EQ(c.version, 2);
  const CgroupLimits l = read_limits(c);
  EXPECT_EQ(l.memory, 2000000);
  EXPECT_EQ(l.in_use, 500000);
  EXPECT_DOUBLE_EQ(l.cpus.value_or(0), 1.5);
  EXPECT_EQ(l.pids, 77);
  EXPECT_EQ(l.cpuset, "0-1,4");
  EXPECT_EQ(oom_kills(c), 3);
}

TEST_F(CgroupFiles, VersionOneHasAGroupForEachController) {
  file("/proc/self/cgroup", "9:name=systemd:/\n8:cpuacct,cpu:/job\n4:memory:/job/a:b\n0::/\n");
  const std::string top = "/sys/fs/cgroup";
  for (const char* d : {"/memory", "/memory/job", "/memory/job/a:b", "/cpu", "/cpu/job"})
    file(top + d + "/cgroup.procs", "");
  file(top + "/memory/job/a:b/memory.limit_in_bytes", "1000000\n");
  file(top + "/memory/job/a:b/memory.usage_in_bytes", "40000\n");
  file(top + "/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
  file(top + "/memory/job/a:b/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  file(top + "/cpu/job/cpu.cfs_quota_us", "400000\n");
  file(top + "/cpu/job/cpu.cfs_period_us", "100000\n");
  file(top + "/cpu/cpu.cfs_quota_us", "-1\n");
  const Cgroup c = find_cgroup(root_);
  EXPECT_EQ(c.version, 1);
  const CgroupLimits l = read_limits(c);
  EXPECT_EQ(l.memory, 1000000);
  EXPECT_EQ(l.in_use, 40000);
  EXPECT_DOUBLE_EQ(l.cpus.value_or(0), 4);
  EXPECT_FALSE(l.pids);
  EXPECT_EQ(oom_kills(c), 2);
}

// In a container the path may be that of the host's namespace, and the mount shows only what is below.
TEST_F(CgroupFiles, APathThatIsNotThereMeansTheTop) {
  file("/proc/self/cgroup", "0::/../../host/job\n");
  file("/sys/fs/cgroup/cgroup.controllers", "");
  file("/sys/fs/cgroup/cgroup.procs", "");
  file("/sys/fs/cgroup/memory.max", "5000\n");
  EXPECT_EQ(read_limits(find_cgroup(root_)).memory, 5000);
}

TEST_F(CgroupFiles, WithoutThemThereAreNoLimits) {
  const Cgroup c = find_cgroup(root_);
  EXPECT_EQ(c.version, 0);
  const CgroupLimits l = read_limits(c);
  EXPECT_FALSE(l.memory || l.cpus || l.pids);
  EXPECT_FALSE(oom_kills(c));
  OwnCgroup own(c, "apf-test");
  EXPECT_FALSE(own.made());
  EXPECT_FALSE(own.take(1));
  own.kill_all();
}

TEST(Cgroup, LinesOfProcAndListsOfCpus) {
  EXPECT_EQ(cgroup_path("3:cpu,cpuacct:/a\n0::/b:c\n", "cpuacct"), "/a");
  EXPECT_EQ(cgroup_path("3:cpu,cpuacct:/a\n0::/b:c\n", ""), "/b:c");
  for (const char* bad : {"", "x", "1:cpu", "1:cpux:/a", ":cpu:rel"}) EXPECT_FALSE(cgroup_path(bad, "cpu")) << bad;
  EXPECT_EQ(count_cpus("0-3,8\n"), 5);
  EXPECT_EQ(count_cpus("5"), 1);
  for (const char* bad : {"", "x", "3-1", "-1", "0-9999999999", "0-"}) EXPECT_EQ(count_cpus(bad), 0) << bad;
}

}  // namespace
}  // namespace apf::wrapper
