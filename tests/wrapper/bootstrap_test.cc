// apf-bootstrap.sh in the shells of this host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "process/supervisor.h"
#include "wrapper/lab.h"

namespace apf::lab {
namespace {

using testing::HasSubstr;

const std::string kWrapper = APF_BIN_DIR "/apf-wrapper";

std::string sha256(const std::string& file) {
  const auto done = process::run({.argv = {"sha256sum", file}}, {.deadline = mono_now() + seconds{60}});
  return done ? done->out.substr(0, 64) : "";
}

class Bootstrap : public testing::TestWithParam<std::vector<std::string>> {
 protected:
  void SetUp() override {
    if (!process::run({.argv = with_shell({"-c", "exit 0"})}, {.deadline = mono_now() + seconds{60}}))
      GTEST_SKIP() << GetParam().front() << " is not installed";
  }
  static std::vector<std::string> with_shell(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), GetParam().begin(), GetParam().end());
    return arguments;
  }
  int run(const std::vector<std::string>& options, std::map<std::string, std::string> environment = {}) {
    auto argv = with_shell({APF_BIN_DIR "/apf-bootstrap.sh"});
    argv.insert(argv.end(), options.begin(), options.end());
    environment["TMPDIR"] = directory_.path();
    return Process(argv, environment, directory_.path(), directory_ / "log").wait();
  }
  [[nodiscard]] std::string log() const { return read_file(directory_ / "log"); }
  [[nodiscard]] int files() const {
    return static_cast<int>(std::distance(std::filesystem::directory_iterator(directory_.path()), {}));
  }
  Directory directory_;
};
INSTANTIATE_TEST_SUITE_P(Shells, Bootstrap,
                         testing::Values(std::vector<std::string>{"dash"}, std::vector<std::string>{"bash", "--posix"},
                                         std::vector<std::string>{"busybox", "sh"}),
                         [](const auto& p) { return p.param.front(); });

TEST_P(Bootstrap, FetchesChecksAndRunsTheWrapper) {
  const JobQueue queue;
  queue.submit("echo ran-by-bootstrap");
  EXPECT_EQ(run({"--wrapperurl", "file://" + kWrapper, "--wrappersha256", sha256(kWrapper), "--wrapperwmsurl",
                 queue.url(), "--wrapperwmsqueue", "Q", "--wrappertokenfile", queue.pilot_token()}),
            0)
      << log();
  EXPECT_THAT(log(), HasSubstr("\nran-by-bootstrap\n"));
  EXPECT_EQ(files(), 1) << "only the log is left";
  EXPECT_TRUE(exists(queue.pilot_token())) << "a token outside of the working directory is not ours to remove";
}

TEST_P(Bootstrap, RefusesAWrapperWithAnotherChecksumAndTellsTheFactory) {
  const FaultyWms factory(nlohmann::json{{"jobs", nlohmann::json::array()}});
  write_file(directory_ / "apf-report.key", "report-secret");
  EXPECT_EQ(run({"--wrapperurl=file://" + kWrapper, "--wrappersha256=" + std::string(64, '0')},
                {{"APFMON", factory.url() + "/apfmon"},
                 {"APFFID", "factory-1"},
                 {"APFCID", "factory#7 0"},
                 {"APF_SUBMISSION", "s-1"},
                 {"APF_REPORT_KEY_FILE", "apf-report.key"}}),
            64);
  EXPECT_THAT(log(), HasSubstr("has SHA-256"));
  const auto reports = factory.requests("report");
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0]["path"], "/apfmon/jobs/factory-1:factory%237%200");
  EXPECT_EQ(reports[0]["authorization"], "Bearer report-secret");
  EXPECT_THAT(reports[0]["body"].get<std::string>(), HasSubstr("state=fault&rc=64"));
  EXPECT_EQ(files(), 1) << "only the log is left";
}

TEST_P(Bootstrap, TellsWhatItCannotFetchOrRun) {
  EXPECT_EQ(run({"--wrapperurl", "file:///no/such/wrapper", "--wrappersha256", "00"}), 64);
  EXPECT_THAT(log(), HasSubstr("cannot fetch the wrapper from file:///no/such/wrapper"));
  const Directory d;
  write_file(d / "broken", "#!/no/such/interpreter\n");
  EXPECT_EQ(run({"--wrapperurl", "file://" + (d / "broken"), "--wrappersha256", sha256(d / "broken")}), 64);
  EXPECT_THAT(log(), HasSubstr("does not run"));
  EXPECT_EQ(run({"--wrapperurl", "file:///x"}), 2);
  EXPECT_EQ(files(), 1);
}

}  // namespace
}  // namespace apf::lab
