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
using testing::Not;
using Words = std::vector<std::string>;

const std::string kTarball = APF_BIN_DIR "/apf-wrapper.tar.gz";
const std::string kHere = "file://" + kTarball;

const std::string& right_sum() {
  static const std::string sum = sha256(kTarball);
  return sum;
}

int number_after(const std::string& text, const std::string& what) {
  const auto at = text.find(what);
  return at == std::string::npos ? -1 : std::atoi(text.c_str() + at + what.size());
}

class Bootstrap : public testing::TestWithParam<Words> {
 protected:
  void SetUp() override {
    if (!process::run({.argv = with_shell({"-c", "exit 0"})}, {.deadline = mono_now() + seconds{60}}))
      GTEST_SKIP() << GetParam().front() << " is not installed";
  }
  static Words with_shell(Words arguments) {
    arguments.insert(arguments.begin(), GetParam().begin(), GetParam().end());
    return arguments;
  }
  Process start(const Words& options, std::map<std::string, std::string> environment) {
    auto argv = with_shell({APF_BIN_DIR "/apf-bootstrap.sh"});
    argv.insert(argv.end(), options.begin(), options.end());
    environment["TMPDIR"] = directory_.path();
    return {argv, environment, directory_.path(), directory_ / "log"};
  }
  int run(const Words& options, std::map<std::string, std::string> environment = {}) {
    return start(options, std::move(environment)).wait();
  }
  // With the right tarball and a trivial pilot.
  int trivial(Words options, std::map<std::string, std::string> environment = {}) {
    options.insert(options.begin(),
                   {"--wrappertarballurl", kHere, "--wrappertarballchecksum", right_sum(), "--wrapperplugin=trivial"});
    return run(options, std::move(environment));
  }
  [[nodiscard]] std::string log() const { return read_file(directory_ / "log"); }
  [[nodiscard]] int files() const {
    return static_cast<int>(std::distance(std::filesystem::directory_iterator(directory_.path()), {}));
  }
  Directory directory_;
};
INSTANTIATE_TEST_SUITE_P(Shells, Bootstrap,
                         testing::Values(Words{"dash"}, Words{"bash", "--posix"}, Words{"busybox", "sh"}),
                         [](const auto& p) { return p.param.front(); });

TEST_P(Bootstrap, FetchesChecksAndRunsTheWrapper) {
  const JobQueue queue;
  queue.submit("echo ran-by-bootstrap");
  EXPECT_EQ(run({"--wrappertarballurl", kHere, "--wrappertarballchecksum", right_sum(), "--wrapperwmsurl", queue.url(),
                 "--wrapperwmsqueue", "Q", "--wrappertokenfile", queue.pilot_token()}),
            0)
      << log();
  EXPECT_THAT(log(), HasSubstr("\nran-by-bootstrap\n"));
  EXPECT_EQ(files(), 1) << "only the log is left";
  EXPECT_TRUE(exists(queue.pilot_token())) << "a token outside of the working directory is not ours to remove";
}

TEST_P(Bootstrap, RefusesATarballWithAnotherChecksumAndTellsTheFactory) {
  const FaultyWms factory(nlohmann::json{{"jobs", nlohmann::json::array()}});
  write_file(directory_ / "apf-report.key", "report-secret");
  EXPECT_EQ(run({"--wrappertarballurl=" + kHere, "--wrappertarballchecksum=" + std::string(64, '0')},
                {{"APFMON", factory.url() + "/apfmon"},
                 {"APFFID", "factory-1"},
                 {"APFCID", "factory#7 0%?"},
                 {"APF_SUBMISSION", "s-1"},
                 {"APF_REPORT_KEY_FILE", "apf-report.key"}}),
            64);
  EXPECT_THAT(log(), HasSubstr("its SHA-256 is " + right_sum() + ", not 0000"));
  const auto reports = factory.requests("report");
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0]["path"], "/apfmon/jobs/factory-1:factory%237%200%25%3F");
  EXPECT_EQ(reports[0]["authorization"], "Bearer report-secret");
  EXPECT_THAT(reports[0]["body"].get<std::string>(), HasSubstr("state=fault&rc=64"));
  EXPECT_THAT(reports[0]["body"].get<std::string>(),
              testing::ContainsRegex("text=no(\\+|%20)source.*&failure=bootstrap"));
  EXPECT_EQ(files(), 1) << "only the log is left";
}

// R11, as the wrapper does it: told at once, then the slot is kept, and whoever ends it is obeyed.
TEST_P(Bootstrap, KeepsTheSlotOfANodeThatCannotRunPilots) {
  const FaultyWms factory(nlohmann::json{{"jobs", nlohmann::json::array()}});
  write_file(directory_ / "apf-report.key", "report-secret");
  const std::map<std::string, std::string> environment{{"APFMON", factory.url() + "/apfmon"},
                                                       {"APFFID", "factory-1"},
                                                       {"APFCID", "7.0"},
                                                       {"APF_REPORT_KEY_FILE", "apf-report.key"}};
  auto pilot = start({"--wrappertarballurl=file:///no/such\ntarball", "--wrappertarballchecksum=" + right_sum(),
                      "--wrapperkeepslot=20min"},
                     environment);
  ASSERT_TRUE(eventually([&] { return log().find("keeps its slot for ") != std::string::npos; })) << log();
  auto reports = factory.requests("report");
  ASSERT_EQ(reports.size(), 1U) << log();
  const auto keeps = number_after(reports[0]["body"], "&keeps=");
  EXPECT_GE(keeps, 15 * 60);
  EXPECT_LE(keeps, 25 * 60);
  EXPECT_EQ(reports[0]["authorization"], "Bearer report-secret");
  EXPECT_TRUE(alive(pilot.pid()));
  EXPECT_EQ(files(), 1) << "only the log is left";
  pilot.signal(SIGTERM);
  EXPECT_EQ(pilot.wait(), 64) << log();
  reports = factory.requests("report");
  ASSERT_EQ(reports.size(), 2U) << log();
  EXPECT_THAT(reports[1]["body"].get<std::string>(), Not(HasSubstr("keeps")));
}

TEST_P(Bootstrap, KeepsNoSlotForAFaultThatIsNotTheNodes) {
  EXPECT_EQ(run({"--wrapperkeepslot=20min", "--wrapperplatform=EGEE"}), 2) << log();
  EXPECT_EQ(trivial({"--wrapperkeepslot", "20 min"}), 0) << log();
  EXPECT_EQ(trivial({"--wrapperspecialcmd=false", "--wrapperkeepslot=0"}), 64) << log();
}

TEST_P(Bootstrap, TriesOneSourceAfterTheOther) {
  const FileServer server;
  std::filesystem::copy_file(kTarball, server.directory() / "t");
  const std::string urls = "http://127.0.0.1:9/t," + server.url("404/t") + "," + server.url("html/t") + "," +
                           server.url("truncated/t") + "," + server.url("short/t") + "," + server.url("ok/t");
  EXPECT_EQ(run({"--wrappertarballurl", urls, "--wrappertarballchecksum", right_sum(), "--wrapperplugin", "trivial"}),
            0)
      << log();
  EXPECT_THAT(log(), HasSubstr("from http://127.0.0.1:9/t is not used"));
  EXPECT_THAT(log(), HasSubstr("from " + server.url("404/t") + " is not used"));
  EXPECT_THAT(log(), HasSubstr("(it is an HTML page)"));
  EXPECT_THAT(log(), HasSubstr("from " + server.url("truncated/t") + " is not used"));
  EXPECT_THAT(log(), HasSubstr("from " + server.url("short/t") + " is not used: its SHA-256 is"));
  EXPECT_EQ(files(), 1);
}

TEST_P(Bootstrap, AsksTheSquidFirst) {
  const FileServer server, squid;
  std::filesystem::copy_file(kTarball, server.directory() / "t");
  std::filesystem::copy_file(kTarball, squid.directory() / "t");
  const Words options{"--wrappertarballurl=" + server.url("ok/t"), "--wrappertarballchecksum=" + right_sum(),
                      "--wrapperplugin=trivial"};
  const auto with = [&](const std::string& proxy) {
    Words all = options;
    all.push_back("--wrapperproxy=" + proxy);
    return run(all);
  };
  EXPECT_EQ(with(squid.url("")), 0) << log();
  EXPECT_EQ(squid.requests(), Words{server.url("ok/t")});
  EXPECT_TRUE(server.requests().empty());
  EXPECT_EQ(with("http://127.0.0.1:9"), 0) << log();
  EXPECT_THAT(log(), HasSubstr("by http://127.0.0.1:9 is not used"));
  EXPECT_EQ(server.requests(), Words{"/ok/t"}) << "a dead squid does not end the pilot";
}

TEST_P(Bootstrap, TellsWhatItCannotFetchOrRun) {
  EXPECT_EQ(run({"--wrappertarballurl", "file:///no/such/tarball", "--wrappertarballchecksum", std::string(64, '0')}),
            64);
  EXPECT_THAT(log(), HasSubstr("the wrapper from file:///no/such/tarball is not used"));
  const Directory d;
  write_file(d / "apf-wrapper.x86_64", "#!/no/such/interpreter\n");
  const std::string tarball = d / "t";
  ASSERT_TRUE(process::run({.argv = {"tar", "-czf", tarball, "-C", d.path(), "apf-wrapper.x86_64"}},
                           {.deadline = mono_now() + seconds{60}}));
  EXPECT_EQ(run({"--wrappertarballurl", "file://" + tarball, "--wrappertarballchecksum", sha256(tarball)}), 64);
  EXPECT_THAT(log(), HasSubstr("does not run"));
  write_file(d / "text", "no tarball\n");
  EXPECT_EQ(run({"--wrappertarballurl", "file://" + (d / "text"), "--wrappertarballchecksum", sha256(d / "text")}), 64);
  EXPECT_THAT(log(), HasSubstr("can't be unpacked"));
  EXPECT_EQ(files(), 1);
}

TEST_P(Bootstrap, ChecksItsOptions) {
  const std::string sum = "--wrappertarballchecksum=" + right_sum(), url = "--wrappertarballurl=" + kHere;
  const std::vector<std::pair<Words, std::string>> cases{
      {{url}, "needs --wrappertarballurl and"},
      {{sum}, "needs --wrappertarballurl and"},
      {{url, "--wrappertarballchecksum=abc"}, "64 digits, 'abc' has 3"},
      {{url, "--wrappertarballchecksum=" + std::string(64, 'x')}, "not hexadecimal"},
      {{url, sum, "--wrapperplatform=EGEE"}, "'EGEE' is not LOCAL, OSG or EGI"},
      {{url, sum, "--wrappervlimit=4G"}, "'4G' is not a whole number"},
      {{url, sum, "--wrapperkeepslot=long"}, "'' is not a whole number"},
      {{url, sum, "--wrapperkeepslot=20"}, "'20' is not a duration"},
      {{url, sum, "--wrapperkeepslot=1h 30min"}, "'1h 30min' is not a duration"},
      {{url, sum, "--wrappernext=5"}, "--wrappernextchecksum"},
      {{url, sum, "--wrappernext=a/5"}, "'a' is not a whole number"},
      {{url, sum, "--wrapperspecialcmd=\"module load x"}, "does not end with it"},
      {{url, sum, "--wrapperplugin=none"}, "there is no wrapper plug-in 'none'"},
      {{url, sum, "--wrapperplugins=trivial"}, "unknown option '--wrapperplugins'"}};
  for (const auto& [options, message] : cases) {
    EXPECT_EQ(run(options), 2) << message;
    EXPECT_THAT(log(), HasSubstr(message));
  }
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_THAT(log(), HasSubstr("usage: apf-bootstrap.sh"));
  EXPECT_EQ(files(), 1);
}

TEST_P(Bootstrap, SetsTheNodeUp) {
  EXPECT_EQ(trivial({"--wrapperplatform=OSG"}, {{"OSG_GRID", directory_.path()}}), 64);
  EXPECT_THAT(log(), HasSubstr("set-up file of OSG, " + directory_.path() + "/setup.sh, is missing"));
  EXPECT_EQ(trivial({"--pandagrid=EGI"}, {{"GRID_ENV_LOCATION", directory_.path()}}), 64);
  EXPECT_THAT(log(), HasSubstr("/grid-env.sh, is missing"));
  EXPECT_EQ(trivial({"--wrappergrid=lab-cluster", "--wrapperplatform=local"}), 0) << log();
  write_file(directory_ / "setup.sh", "FROM_SETUP=$SURELY_UNSET.set-up\n");
  EXPECT_EQ(
      trivial({"--wrappergrid=OSG", "--wrapperspecialcmd=echo \"$FROM_SETUP\"  \"a  b\"", "--wrappervlimit=9000000"},
              {{"OSG_GRID", directory_.path()}}),
      0);
  EXPECT_THAT(log(), HasSubstr("\n.set-up a  b\n"));
  EXPECT_EQ(trivial({"--wrapperspecialcmd", "false"}), 64);
  EXPECT_THAT(log(), HasSubstr("the special command failed with code 1: false"));
}

// A program of the VO that prints its arguments, each in brackets.
TEST_P(Bootstrap, BlanksSurviveTheWay) {
  const Directory d;
  write_file(d / "show", "#!/bin/sh\nprintf '[%s]' \"$@\"\necho \"{$SPECIAL}\"\n");
  const Words tail{
      "--wrapperplugin=exec",  "--wrapperpilotcode=" + (d / "show"), "--extraopts=a  b", "c d", "-x", "$HOME", "*", "",
      "--extraopts=it's \"q\""};
  Words as_it_should{"--wrappertarballurl=" + kHere, "--wrappertarballchecksum=" + right_sum(),
                     "--wrapperspecialcmd=export SPECIAL='module  load'"};
  Words in_pieces{"--wrappertarballurl=" + kHere,
                  "--wrappertarballchecksum=" + right_sum(),
                  "--wrapperspecialcmd=\"export",
                  "SPECIAL='module",
                  "load'\"",
                  "--pandasite='S'"};
  for (Words* options : {&as_it_should, &in_pieces}) {
    options->insert(options->end(), tail.begin(), tail.end());
    EXPECT_EQ(run(*options), 0) << log();
    EXPECT_THAT(log(), HasSubstr("[a  b][c d][-x][$HOME][*][][it's \"q\"]{module"));
  }
  EXPECT_THAT(log(), HasSubstr("{module load}"));
  EXPECT_THAT(log(), HasSubstr("exec pilot of queue S"));
}

TEST_P(Bootstrap, AnExactShareOfPilotsTriesANewTarball) {
  const Words next{"--wrappernexturl=file:///no/next", "--wrappernextchecksum=" + std::string(64, '1')};
  std::string tried;
  for (int index = 0; index < 10; ++index) {
    Words options = next;
    options.emplace_back("--wrappernext=1095/20");
    const int rc = trivial(options, {{"APF_INDEX", std::to_string(index)}});
    EXPECT_EQ(rc == 64, log().find("takes the next tarball, 111") != std::string::npos) << log();
    tried += rc == 64 ? 'X' : '.';
  }
  EXPECT_EQ(tried, "....X....X");  // places 95 to 104 of a hundred
}

// Nothing but a shell, curl, tar, gzip and something that makes checksums is on the path.
TEST_P(Bootstrap, NeedsNoOtherProgram) {
  const Directory d;
  for (const char* program : {"curl", "tar", "gzip", "sha256sum"})
    std::filesystem::create_symlink(std::string("/usr/bin/") + program, d / program);
  if (GetParam().front() == "busybox") std::filesystem::create_symlink("/usr/bin/busybox", d / "busybox");
  auto argv = with_shell({APF_BIN_DIR "/apf-bootstrap.sh", "--wrappertarballurl=" + kHere,
                          "--wrappertarballchecksum=" + right_sum(), "--wrapperplugin=trivial"});
  argv[0] = "/usr/bin/" + argv[0];
  EXPECT_EQ(Process(argv, {{"PATH", d.path()}}, directory_.path(), directory_ / "log").wait(), 0) << log();
  EXPECT_EQ(files(), 1) << "the wrapper removes what was unpacked";
  std::filesystem::remove(d / "gzip");
  if (GetParam().front() == "busybox") return;  // its own gzip is always there
  EXPECT_EQ(Process(argv, {{"PATH", d.path()}}, directory_.path(), directory_ / "log").wait(), 64);
  EXPECT_THAT(log(), HasSubstr("this node has no gzip"));
}

}  // namespace
}  // namespace apf::lab
