// The real program on configurations: exit codes, messages, and the examples that we ship.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "process/supervisor.h"

namespace apf::factory {
namespace {

namespace fs = std::filesystem;

Finished run_apf(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), APF_BIN_DIR "/apf");
  const auto done = process::run(Command{.argv = std::move(arguments)}, {.deadline = mono_now() + seconds{60}});
  return done ? *done : Finished{};
}

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class Check : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "apf_check_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  fs::path folder_;
};

// A queue on slots of this machine, without a WMS: nothing outside is needed.
constexpr const char* kSmall = R"(version = 1
[factory]
factory_id = "f"
[batch.here]
plugin = "local"
[queue.Q]
batch = "here"
input_files = [ "token" ]
sched = [ { use = "fixed", pilotspercycle = 1 } ]
)";

TEST_F(Check, EveryExampleIsGood) {
  int examples = 0;
  for (const auto& entry : fs::directory_iterator(APF_SOURCE_DIR "/examples")) {
    if (entry.path().extension() != ".toml") continue;
    ++examples;
    const Finished done = run_apf({"check", "--offline", entry.path().string()});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.err, "");
    EXPECT_EQ(done.out.rfind(entry.path().string() + ": good: ", 0), 0U) << done.out;
  }
  EXPECT_GE(examples, 2);
}

// The same without --offline: a WMS that is not up yet is worth a warning, not a refusal.
TEST_F(Check, ASourceThatDoesNotAnswerIsAWarning) {
  std::string text = text_of(APF_SOURCE_DIR "/examples/quickstart.toml");
  for (std::size_t at = 0; (at = text.find("127.0.0.1:25080", at)) != std::string::npos;)
    text.replace(at, 15, "127.0.0.1:1");  // nobody listens there
  fs::create_directories(folder_ / "jobs/tokens");
  const std::string file = write("a.toml", text);
  for (const char* token : {"jobs/tokens/read.token", "jobs/tokens/pilot.token"}) {
    write(token, "secret");
    fs::permissions(folder_ / token, fs::perms::owner_read | fs::perms::owner_write);
  }
  const Finished done = run_apf({"check", file});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_NE(done.err.find("warning: [wms.jobs]: "), std::string::npos) << done.err;
  EXPECT_EQ(done.err.find("[batch.here]"), std::string::npos) << done.err;
  EXPECT_NE(done.out.find(": good, with 1 warning"), std::string::npos) << done.out;
  EXPECT_EQ(run_apf({"check", "--strict", file}).exit_code, 1);
  EXPECT_FALSE(fs::exists(folder_ / "state"));  // looking leaves nothing behind
}

TEST_F(Check, AMisspeltKeyHasLineKeyAndSuggestion) {
  std::string text = text_of(APF_SOURCE_DIR "/examples/quickstart.toml");
  const auto at = text.find("token_file");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 10, "token_fiel");
  const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
  const std::string file = write("a.toml", text);
  const Finished done = run_apf({"check", file});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_EQ(done.err, "apf check: " + file + ":" + std::to_string(line) +
                          ": unknown key 'token_fiel' in [wms.jobs] (did you mean 'token_file'?) "
                          "[config.unknown_key]\napf check: 1 error\n");
  EXPECT_EQ(done.out, "");
}

TEST_F(Check, AMissingFileOfThePilotsIsAWarning) {
  const std::string file = write("a.toml", kSmall);
  const Finished done = run_apf({"check", file});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_NE(done.err.find("warning: " + file + ":6: input file '" + (folder_ / "token").string() + "'"),
            std::string::npos)
      << done.err;
  EXPECT_EQ(run_apf({"check", "--strict", file}).exit_code, 1);
  EXPECT_EQ(run_apf({"check", "--offline", "--strict", file}).exit_code, 0);
  write("token", "secret");
  EXPECT_EQ(run_apf({"check", "--strict", file}).err.find("input file"), std::string::npos);
}

TEST_F(Check, WhatIsShownIsAConfiguration) {
  const Finished shown = run_apf({"check", "--offline", "--show", write("a.toml", kSmall)});
  EXPECT_EQ(shown.exit_code, 0);
  const std::string again = write("b.toml", shown.out);
  EXPECT_EQ(run_apf({"check", "--offline", "--show", again}).exit_code, 0);
}

TEST_F(Check, NoFileIsAClearError) {
  const Finished done = run_apf({"check", (folder_ / "none.toml").string()});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_NE(done.err.find("[config.missing_file]"), std::string::npos) << done.err;
}

TEST(CommandLine, WrongUseIsExitCodeTwo) {
  EXPECT_EQ(run_apf({}).exit_code, 2);
  const Finished misspelt = run_apf({"chekc", "x"});
  EXPECT_EQ(misspelt.exit_code, 2);
  EXPECT_EQ(misspelt.err, "apf: no command 'chekc' (did you mean 'check'?) [cli.unknown_command]\n");
  EXPECT_EQ(run_apf({"check"}).exit_code, 2);
  EXPECT_EQ(run_apf({"check", "--nonsense", "x"}).exit_code, 2);
  EXPECT_EQ(run_apf({"--help"}).exit_code, 0);
  EXPECT_EQ(run_apf({"--version"}).out, APF_VERSION "\n");
}

TEST(Plugins, ShowWhatTheTablesSay) {
  const Finished one = run_apf({"plugins", "sched", "maxpending"});
  EXPECT_EQ(one.exit_code, 0);
  EXPECT_NE(one.out.find("maximum (integer, unset)"), std::string::npos) << one.out;
  const Finished all = run_apf({"plugins"});
  EXPECT_NE(all.out.find("keepnrunning"), std::string::npos);
  const Finished json = run_apf({"plugins", "sched", "scale", "--json"});
  EXPECT_NE(json.out.find("\"default\": \"1.0\""), std::string::npos) << json.out;
  const Finished wrong = run_apf({"plugins", "sched", "maxpnding"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_NE(wrong.err.find("did you mean 'maxpending'?"), std::string::npos) << wrong.err;
}

}  // namespace
}  // namespace apf::factory
