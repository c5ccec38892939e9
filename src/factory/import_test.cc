// `apf import`, `apf queues` and `apf simulate` by the real program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "process/supervisor.h"

namespace apf::factory {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ImportCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "apf import XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  static Finished apf(std::vector<std::string> argv) {
    argv.insert(argv.begin(), APF_BIN_DIR "/apf");
    const auto done = process::run(Command{.argv = std::move(argv)}, {.deadline = mono_now() + seconds{60}});
    return done ? *done : Finished{};
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
  fs::path folder_;
};

TEST_F(ImportCommand, MakesAFileThatCheckAccepts) {
  const Finished made = apf({"import", APF_SOURCE_DIR "/tests/data/autopyfactory/autopyfactory.conf"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("7 queues, 1 left out, "));
  write("apf.toml", made.out);
  const Finished checked = apf({"check", "--offline", folder_ / "apf.toml"});
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
}

TEST_F(ImportCommand, SaysWhatIsWrong) {
  Finished f = apf({"import", folder_ / "nothing.conf"});
  EXPECT_EQ(f.exit_code, 2);
  EXPECT_EQ(f.out, "");
  EXPECT_THAT(f.err, HasSubstr("nothing.conf: the file can't be read [import.unreadable]"));
  write("old.conf", "[Factory]\nfactoryId = F\nqueueConf = /no such/queues.conf\n");
  f = apf({"import", folder_ / "old.conf"});
  EXPECT_EQ(f.exit_code, 2);
  EXPECT_THAT(f.err, HasSubstr("old.conf:3: '/no such/queues.conf' is not there"));
  // a value that our batch plug-in refuses: the file is written all the same
  write("old.conf", "[Factory]\nfactoryId = F\nqueueConf = queues.conf\n");
  write("queues.conf",
        "[Q]\nenabled = True\nbatchsubmitplugin = CondorLocal\nschedplugin = Ready\n"
        "batchsubmit.condorlocal.condor_attributes = queue = 5\n");
  f = apf({"import", folder_ / "old.conf"});
  EXPECT_EQ(f.exit_code, 1);
  EXPECT_THAT(f.out, HasSubstr("[queue.Q]"));
  EXPECT_THAT(f.err, HasSubstr("the result needs a hand"));
}

TEST_F(ImportCommand, QueuesSaysWhereValuesComeFrom) {
  write("site.toml", "[queue.A]\nbatch = \"b\"\nsched = [ { use = \"null\" } ]\n[queue.B]\nenabled = false\n");
  write("apf.toml", R"(version = 1
[factory]
factory_id = "f"
[batch.b]
plugin = "local"
[config.site]
plugin = "file"
path = "site.toml"
[defaults]
batch = "b"
sched = [ { use = "ready" } ]
[queue.A]
weight = 2
)");
  const std::string config = folder_ / "apf.toml";
  Finished f = apf({"queues", "--config", config});
  EXPECT_EQ(f.exit_code, 0) << f.err;
  EXPECT_THAT(f.out, ::testing::ContainsRegex("A +- +A +b +active +.*1 of .*site.toml"));
  EXPECT_THAT(f.out, ::testing::ContainsRegex("B +- +B +b +disabled "));
  f = apf({"queues", "A", "--origin", "--config", config});
  EXPECT_THAT(f.out, ::testing::ContainsRegex("weight = 2.0 +# .*apf.toml:13"));
  EXPECT_THAT(f.out, ::testing::ContainsRegex("batch = \"b\" +# .*site.toml:2"));
  EXPECT_THAT(f.out, ::testing::Not(HasSubstr("[queue.B]")));
  EXPECT_EQ(apf({"queues", "C", "--config", config}).exit_code, 2);
}

TEST_F(ImportCommand, SimulatesAChain) {
  write("apf.toml", R"(version = 1
[factory]
factory_id = "f"
[wms.w]
plugin = "panda"
url = "http://127.0.0.1:1"
[batch.b]
plugin = "local"
[queue.Q]
wms = "w"
batch = "b"
sched = [ { use = "ready", offset = 4 }, { use = "scale", factor = 0.5 }, { use = "maxpending", maximum = 25 },
          { use = "throttle" }, { use = "statusoffline" } ]
)");
  const std::string config = folder_ / "apf.toml";
  Finished f =
      apf({"simulate", "sched", "Q", "--config", config, "--ready", "100", "--pending", "10", "--running", "3"});
  EXPECT_EQ(f.exit_code, 0) << f.err;
  EXPECT_THAT(f.out, HasSubstr("Ready           0   86  in=0,activated=100,offset=4,pending=10,ret=86"));
  EXPECT_THAT(f.out, HasSubstr("Scale          86   43"));
  EXPECT_THAT(f.out, HasSubstr("MaxPending     43   15"));
  EXPECT_THAT(f.out, HasSubstr("\n15 pilots would be submitted, if no cap or hold says less.\n"));
  f = apf({"simulate", "sched", "Q", "--config", config, "--activated", "100", "--status", "offline"});
  EXPECT_THAT(f.out, HasSubstr("\n0 pilots would be submitted"));
  f = apf({"simulate", "sched", "R", "--config", config});
  EXPECT_EQ(f.exit_code, 2);
  EXPECT_THAT(f.err, HasSubstr("no queue 'R'"));
  EXPECT_EQ(apf({"simulate", "sched", "Q", "--config", config, "--ready", "-1"}).exit_code, 2);
}

}  // namespace
}  // namespace apf::factory
