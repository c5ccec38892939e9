// `apf explain --submit-file` by the real program: no daemon runs.
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

constexpr const char* kConfig = R"(version = 1
[factory]
factory_id = "f1"
state_dir = "/nowhere/state"
[batch.pool]
plugin = "htcondor"
[batch.here]
plugin = "local"
[queue.CE]
batch = "pool"
executable = "/opt/pilot"
submit = { flavour = "condor", remote_schedd = "ce.example.org" }
sched = [ { use = "ready" } ]
[queue.HERE]
batch = "here"
sched = [ { use = "ready" } ]
)";

class SubmitFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "apf_submit_file_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::ofstream(folder_ / "apf.toml") << kConfig;
  }
  void TearDown() override { fs::remove_all(folder_); }
  Finished explain(std::vector<std::string> more) const {
    std::vector<std::string> argv{APF_BIN_DIR "/apf", "explain", "--config", folder_ / "apf.toml"};
    argv.insert(argv.end(), more.begin(), more.end());
    const auto done = process::run(Command{.argv = std::move(argv)}, {.deadline = mono_now() + seconds{60}});
    return done ? *done : Finished{};
  }
  fs::path folder_;
};

TEST_F(SubmitFile, ShowsWhatWouldBeSent) {
  const Finished f = explain({"--submit-file", "CE", "-n", "5"});
  EXPECT_EQ(f.exit_code, 0) << f.err;
  for (const char* line :
       {"universe = grid\n", "grid_resource = condor ce.example.org ce.example.org:9619\n", "executable = /opt/pilot\n",
        "+APF_SUBMISSION = \"example-1\"\n", "transfer_input_files = /nowhere/state/htcondor/example-1.5.key\n"})
    EXPECT_THAT(f.out, HasSubstr(line));
  EXPECT_TRUE(f.out.ends_with("\nqueue 5\n"));
  EXPECT_FALSE(fs::exists("/nowhere")) << "nothing is made";
}

TEST_F(SubmitFile, SaysWhatIsWrong) {
  Finished f = explain({"--submit-file", "CF"});
  EXPECT_EQ(f.exit_code, 2);
  EXPECT_THAT(f.err, HasSubstr("no queue 'CF' (did you mean 'CE'?) [config.unknown_queue]"));
  f = explain({"--submit-file", "HERE"});
  EXPECT_EQ(f.exit_code, 2);
  EXPECT_THAT(f.err, HasSubstr("[batch.no_preview]"));
  EXPECT_EQ(explain({"CE", "-n", "5"}).exit_code, 2) << "-n is for --submit-file";
}

}  // namespace
}  // namespace apf::factory
