// Pilots that run code of a VO: where it comes from, what proves it, and how it is run (kinds exec and panda).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "process/supervisor.h"
#include "wrapper/lab.h"

namespace apf::lab {
namespace {

using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

void command(Words argv) {
  const auto done = process::run({.argv = std::move(argv)}, {.deadline = mono_now() + seconds{60}});
  ASSERT_TRUE(done && done->exit_code == 0) << (done ? done->err : done.error().text());
}

// A pilot of one kind with these options, in a directory of its own.
class CodePilot {
 public:
  explicit CodePilot(std::string kind) : argv_{APF_BIN_DIR "/apf-wrapper", "--wrapperplugin", std::move(kind)} {}
  CodePilot& with(const Words& words) {
    argv_.insert(argv_.end(), words.begin(), words.end());
    return *this;
  }
  CodePilot& environment(const std::string& name, const std::string& value) {
    environment_[name] = value;
    return *this;
  }
  Process start() {
    environment_["TMPDIR"] = directory_.path();
    return {argv_, environment_, directory_.path(), directory_ / "log"};
  }
  int run() { return start().wait(); }
  [[nodiscard]] std::string log() const { return read_file(directory_ / "log"); }
  [[nodiscard]] nlohmann::json summary() const {
    std::string text = log();
    text.pop_back();
    return nlohmann::json::parse(text.substr(text.rfind('\n') + 1));
  }
  [[nodiscard]] const Directory& directory() const { return directory_; }

 private:
  Directory directory_;
  Words argv_;
  std::map<std::string, std::string> environment_;
};

// Where a VO publishes code.
class Code : public testing::Test {
 protected:
  // A script, or with a name a tarball with that script in it.
  std::string publish(const std::string& name, const std::string& script, const std::string& inside = {}) {
    const std::string file = server_.directory() / name;
    if (inside.empty()) {
      write_file(file, script);
      return file;
    }
    const Directory d;
    std::filesystem::create_directories(std::filesystem::path(d / inside).parent_path());
    write_file(d / inside, script);
    command({"chmod", "755", d / inside});
    command({"tar", "-czf", file, "-C", d.path(), "."});
    return file;
  }
  FileServer server_;
};

TEST_F(Code, ExecRunsAScriptWithItsArguments) {
  const std::string file =
      publish("job.sh", "#!/bin/sh\necho \"<$1|$2>\"; echo to-err >&2; pwd; echo $TMPDIR; exit 3\n");
  CodePilot pilot("exec");
  EXPECT_EQ(pilot
                .with({"--wrapperpilotcode", server_.url("ok/job.sh"), "--wrapperpilotcodechecksum", sha256(file),
                       "a b", "-x"})
                .run(),
            0)
      << "a payload's failure is not the pilot's";
  EXPECT_THAT(pilot.log(), HasSubstr("\n<a b|-x>\n"));
  EXPECT_THAT(pilot.log(), HasSubstr("\nto-err\n"));
  EXPECT_EQ(pilot.summary()["payloads"], 1);
  EXPECT_EQ(pilot.summary()["failed"], 1);
  EXPECT_EQ(pilot.summary()["reason"], "program ended with exit code 3");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(pilot.directory().path()), {}), 1)
      << "only the log is left";
}

TEST_F(Code, ExecRunsWhatIsInAnArchiveOrOnTheNode) {
  publish("job.tar.gz", "#!/bin/sh\necho from-archive\n", "bin/start");
  CodePilot pilot("exec");
  pilot.with({"--wrapperpilotcode", server_.url("ok/job.tar.gz")});
  EXPECT_EQ(pilot.run(), 2);
  EXPECT_THAT(pilot.log(), HasSubstr("--wrapperprogram says what of it is run"));
  EXPECT_EQ(pilot.with({"--wrapperprogram=bin/stop"}).run(), 2);
  EXPECT_THAT(pilot.log(), HasSubstr("there is no bin/stop"));
  EXPECT_EQ(pilot.with({"--wrapperprogram=bin/start"}).run(), 0);
  EXPECT_THAT(pilot.log(), HasSubstr("\nfrom-archive\n"));
  EXPECT_THAT(pilot.log(), HasSubstr("nothing vouches for it"));
  CodePilot of_node("exec");
  EXPECT_EQ(of_node.with({"--wrapperprogram", "echo", "hello", "node"}).run(), 0);
  EXPECT_THAT(of_node.log(), HasSubstr("\nhello node\n"));
}

// Only the right thing is used, whatever comes before it.
TEST_F(Code, RefusesWhatIsNotRightAndGoesOn) {
  const std::string file = publish("job.tar.gz", "#!/bin/sh\necho right-code\n", "start");
  publish("wrong.tar.gz", "#!/bin/sh\necho wrong-code\n", "start");
  const std::string sum = sha256(file);
  Words urls{"http://127.0.0.1:9/x",          server_.url("404/job.tar.gz"),
             server_.url("html/job.tar.gz"),  server_.url("truncated/job.tar.gz"),
             server_.url("short/job.tar.gz"), server_.url("ok/wrong.tar.gz"),
             server_.url("ok/job.tar.gz")};
  std::string group, sums;
  for (const std::string& url : urls) {
    group += (group.empty() ? "[" : ",") + url;
    sums += (sums.empty() ? "[" : ",") + sum;
  }
  CodePilot pilot("exec");
  pilot.with({"--wrapperpilotcode", group + "]", "--wrapperpilotcodechecksum", sums + "]", "--wrapperprogram=start"});
  EXPECT_EQ(pilot.run(), 0) << pilot.log();
  EXPECT_THAT(pilot.log(), HasSubstr("\nright-code\n"));
  EXPECT_THAT(pilot.log(), Not(HasSubstr("\nwrong-code\n")));
  EXPECT_THAT(pilot.log(), HasSubstr("html/job.tar.gz is not used: its SHA-256 is"));
  EXPECT_THAT(pilot.log(), HasSubstr("(it is an HTML page)"));
  for (std::size_t i = 0; i + 1 < urls.size(); ++i) EXPECT_THAT(pilot.log(), HasSubstr(urls[i] + " is not used: "));
  CodePilot none("exec");
  none.with({"--wrapperpilotcode", server_.url("ok/wrong.tar.gz"), "--wrapperpilotcodechecksum", sum,
             "--wrapperprogram=start"});
  EXPECT_EQ(none.run(), 64);
  EXPECT_THAT(none.log(), Not(HasSubstr("\nwrong-code\n")));
  EXPECT_THAT(none.summary()["reason"].get<std::string>(), HasSubstr("no source gave pilot code"));
}

TEST_F(Code, TakesWhatTheVoSigned) {
  const std::string file = publish("job.sh", "#!/bin/sh\necho signed-code\n");
  const Directory keys;
  for (const char* name : {"vo", "other"}) {
    command({"openssl", "genpkey", "-algorithm", "ed25519", "-out", keys / name});
    command({"openssl", "pkey", "-in", keys / name, "-pubout", "-out", keys / (std::string(name) + ".pub")});
  }
  const auto key = [&](const std::string& name) {
    const std::string pem = read_file(keys / (name + ".pub"));
    const std::size_t start = pem.find('\n') + 1;
    return "ed25519:" + pem.substr(start, pem.find('\n', start) - start);
  };
  const auto pilot_with = [&](const std::string& name) {
    auto pilot = std::make_unique<CodePilot>("exec");
    pilot->with({"--wrapperpilotcode", server_.url("ok/job.sh"), "--wrapperpilotcodechecksum", key(name)});
    return pilot;
  };
  auto unsigned_yet = pilot_with("vo");
  EXPECT_EQ(unsigned_yet->run(), 64);
  EXPECT_THAT(unsigned_yet->log(), HasSubstr("no signature"));
  command({"openssl", "pkeyutl", "-sign", "-rawin", "-inkey", keys / "vo", "-in", file, "-out", file + ".sig"});
  auto trusted = pilot_with("vo");
  EXPECT_EQ(trusted->run(), 0) << trusted->log();
  EXPECT_THAT(trusted->log(), HasSubstr("\nsigned-code\n"));
  auto foreign = pilot_with("other");
  EXPECT_EQ(foreign->run(), 64);
  EXPECT_THAT(foreign->log(), HasSubstr("not of the key that is trusted"));
  EXPECT_THAT(foreign->log(), Not(HasSubstr("\nsigned-code\n")));
}

// As the bootstrap unpacks a tarball: the tables choose kind and code, exactly by weight over a submission.
TEST_F(Code, TheTablesChoose) {
  for (const char* version : {"a", "b", "c", "dev"})
    publish(version, std::string("#!/bin/sh\necho is-") + version + "\n");
  std::string pilots;
  for (const auto& [version, weight] :
       std::map<std::string, std::string>{{"a", "5"}, {"b", "3"}, {"c", "2"}, {"dev", "test"}})
    pilots += "tool " + version + " " + weight + " sha256:" + sha256(server_.directory() / version) + " " +
              server_.url("ok/" + version) + "\n";
  const auto run = [&](int index, const Words& more) {
    CodePilot pilot("trivial");
    const std::string home = pilot.directory() / "apf-wrapper.test";
    std::filesystem::create_directory(home);
    write_file(home + "/lookup.conf", "* * * * trivial -\nLAB * * * exec gone,tool\n");
    write_file(home + "/pilots.conf", pilots);
    const std::string wrapper = APF_BIN_DIR "/apf-wrapper";
    Process process(
        {wrapper, "--wrapperhome", home, "--wrapperwmsqueue", "LAB", more.empty() ? "--wrappermode=run" : more[0]},
        {{"APF_SUBMISSION", "s-7"}, {"APF_INDEX", std::to_string(index)}}, pilot.directory().path(),
        pilot.directory() / "log");
    EXPECT_EQ(process.wait(), 0) << pilot.log();
    EXPECT_FALSE(exists(home));
    EXPECT_THAT(pilot.log(), HasSubstr("lookup.conf:2 is for this pilot"));
    EXPECT_THAT(pilot.log(), HasSubstr("no version of pilot type 'gone'"));
    const std::size_t at = pilot.log().find("\nis-");
    return at == std::string::npos ? "nothing" : pilot.log().substr(at + 4, pilot.log().find('\n', at + 1) - at - 4);
  };
  std::map<std::string, int> counts;
  for (int i = 0; i < 10; ++i) ++counts[run(i, {})];
  EXPECT_EQ(counts, (std::map<std::string, int>{{"a", 5}, {"b", 3}, {"c", 2}}));
  EXPECT_EQ(run(0, {"--wrapperpurpose=test"}), "dev");
  EXPECT_EQ(run(0, {"--wrappermode=dry"}), "nothing");
}

TEST_F(Code, ABadTableIsTheConfigurationsFault) {
  CodePilot pilot("exec");
  const std::string home = pilot.directory() / "apf-wrapper.test";
  std::filesystem::create_directory(home);
  write_file(home + "/lookup.conf", "a b\n");
  EXPECT_EQ(pilot.with({"--wrapperhome", home, "--wrapperprogram=true"}).run(), 2);
  EXPECT_THAT(pilot.log(), HasSubstr("lookup.conf:1: the row has 2 columns, not 6"));
  EXPECT_FALSE(exists(home));
}

// What stands for pilot3: it shows what it was given, and does as its argument says.
constexpr const char* kPilot3 = R"(import os, signal, sys, time
print("pilot-arguments", " ".join(sys.argv[1:]))
print("pilot-directory", os.path.relpath(os.path.abspath(sys.argv[0]), os.getcwd()))
print("nokill", os.environ.get("PILOT_NOKILL"), "environ", os.environ.get("FROM_QUEUE"))
print("worker", os.environ.get("HARVESTER_ID"), os.environ.get("HARVESTER_WORKER_ID"))
token = os.environ.get("PANDA_AUTH_TOKEN")
print("token-length", len(open(token).read()) if token else None)
print("proxy", os.path.isabs(os.environ.get("X509_USER_PROXY", "")), "data", os.path.exists("queuedata.json"))
if "--jobs" in sys.argv:
    open("pandaIDs.out", "w").write("4711\n4712\n")
sys.stdout.flush()
if "--hang" in sys.argv:
    def leave(number, frame):
        print("pilot-told", number, flush=True)
        sys.exit(143)
    signal.signal(signal.SIGTERM, leave)
    open(sys.argv[sys.argv.index("--hang") + 1], "w").write("here")
    time.sleep(600)
if "--exit" in sys.argv:
    sys.exit(int(sys.argv[sys.argv.index("--exit") + 1]))
)";

class PandaPilot : public Code {
 protected:
  PandaPilot() { publish("pilot3.tar.gz", kPilot3, "pilot3/pilot.py"); }
  std::unique_ptr<CodePilot> pilot(const Words& more) {
    auto p = std::make_unique<CodePilot>("panda");
    p->with({"--wrapperpilotcode", server_.url("ok/pilot3.tar.gz"), "--wrapperwmsqueue", "LAB"}).with(more);
    return p;
  }
};

TEST_F(PandaPilot, RunsWhereItWasUnpackedWithTodaysArguments) {
  write_file(server_.directory() / "LAB.json", R"({"status": "online", "environ": "FROM_QUEUE=q OTHER=1"})");
  auto p = pilot({"--wrapperqueuedata", server_.url("ok/{queue}.json"), "--wrapperwmsurl",
                  "https://panda.example.org:25443", "--wrappertokenfile", "token", "-w", "generic", "--jobs"});
  write_file(p->directory() / "token", "0123456789\n");
  command({"openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", "/CN=test", "-keyout",
           p->directory() / "x509", "-out", p->directory() / "certificate"});
  write_file(p->directory() / "x509", read_file(p->directory() / "x509") + read_file(p->directory() / "certificate"));
  EXPECT_EQ(p->environment("X509_USER_PROXY", "x509").run(), 0) << p->log();
  EXPECT_THAT(p->log(), HasSubstr("pilot-arguments -q LAB -i PR -j managed --url https://panda.example.org -p 25443 -w "
                                  "generic --jobs\n"));
  EXPECT_THAT(p->log(), HasSubstr("pilot-directory pilot3/pilot.py\n"));
  EXPECT_THAT(p->log(), HasSubstr("nokill 1 environ q\n"));
  EXPECT_THAT(p->log(), HasSubstr("token-length 10\n"));
  EXPECT_THAT(p->log(), HasSubstr("proxy True data True\n"));
  EXPECT_FALSE(exists(p->directory() / "token"));
  EXPECT_EQ(p->summary()["payloads"], 2);
  EXPECT_EQ(p->summary()["ids"], (nlohmann::json{4711, 4712}));
}

// PanDA links its jobs with what the factory tells of the worker; the queue's own environment has the last word.
TEST_F(PandaPilot, KnowsWhichWorkerOfPandaItIs) {
  auto p = pilot({});
  p->environment("APF_HARVESTER", "lab").environment("APF_FIRST_WORKER", "400000007").environment("APF_INDEX", "3");
  EXPECT_EQ(p->run(), 0) << p->log();
  EXPECT_THAT(p->log(), HasSubstr("\nworker lab 400000010\n"));
  p->environment("HARVESTER_ID", "other").environment("HARVESTER_WORKER_ID", "5");
  EXPECT_EQ(p->run(), 0) << p->log();
  EXPECT_THAT(p->log(), HasSubstr("\nworker other 5\n"));
  auto alone = pilot({});
  alone->environment("APF_INDEX", "3");
  EXPECT_EQ(alone->run(), 0) << alone->log();
  EXPECT_THAT(alone->log(), HasSubstr("\nworker None None\n"));
}

TEST_F(PandaPilot, ExitCodesAreTranslated) {
  for (const auto& [code, want] : std::map<int, int>{{0, 0}, {64, 64}, {80, 80}, {82, 0}, {5, 5}, {137, 1}}) {
    auto p = pilot({"--exit", std::to_string(code)});
    EXPECT_EQ(p->run(), want) << code;
    EXPECT_EQ(p->summary()["payloads"], 0);
    EXPECT_EQ(p->summary()["outcome"] == "no_work", want == 0);
  }
}

TEST_F(PandaPilot, IsToldBySignalAndGivenTime) {
  const Directory d;
  auto p = pilot({"--hang", d / "here"});
  Process process = p->start();
  ASSERT_TRUE(eventually([&] { return exists(d / "here"); })) << p->log();
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(), 143);
  EXPECT_THAT(p->log(), HasSubstr("pilot-told 15\n"));
}

TEST_F(PandaPilot, ItsLogIsThereBeforeItsEnd) {
  const Directory d;
  auto p = pilot({"--hang", d / "here"});
  Process process = p->start();
  EXPECT_TRUE(eventually([&] { return p->log().find("\npilot-arguments") != std::string::npos; }));
  process.signal(SIGKILL);
  EXPECT_EQ(process.wait(), 137);
}

TEST_F(PandaPilot, NodesAndCodeThatCannotRunItAreNamed) {
  auto no_python = pilot({"--wrapperpython", "python-of-nowhere"});
  EXPECT_EQ(no_python->run(), 64);
  EXPECT_THAT(no_python->log(), HasSubstr("no python-of-nowhere"));
  publish("other.tar.gz", "x", "other/other.py");
  auto other = pilot({"--wrapperpilotcode", server_.url("ok/other.tar.gz")});
  EXPECT_EQ(other->run(), 64);
  EXPECT_THAT(other->log(), HasSubstr("no pilot.py"));
  CodePilot nobody("panda");
  EXPECT_EQ(nobody.run(), 2);
  EXPECT_THAT(nobody.log(), HasSubstr("--wrapperwmsqueue is missing"));
}

TEST_F(PandaPilot, ASiteInTestTakesTheDevelopmentPilot) {
  publish("dev.tar.gz", kPilot3, "pilot3/pilot.py");
  const auto with_status = [&](const std::string& status) {
    CodePilot p("panda");
    const std::string home = p.directory() / "apf-wrapper.test";
    std::filesystem::create_directory(home);
    write_file(home + "/pilots.conf", "pilot3 1 1 none " + server_.url("ok/pilot3.tar.gz") + "\npilot3 dev test none " +
                                          server_.url("ok/dev.tar.gz") + "\n");
    write_file(p.directory() / "queuedata.json", "{\"status\": \"" + status + "\"}");
    EXPECT_EQ(p.with({"--wrapperhome", home, "--wrapperpilottype=pilot3", "--wrapperwmsqueue=LAB"}).run(), 0)
        << p.log();
    return p.log();
  };
  EXPECT_THAT(with_status("online"), HasSubstr("-i PR"));
  const std::string log = with_status("test");
  EXPECT_THAT(log, HasSubstr("pilot3 dev, a development version"));
  EXPECT_THAT(log, HasSubstr("-i RC"));
}

}  // namespace
}  // namespace apf::lab
