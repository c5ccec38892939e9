// The program itself, over HTTP, with pilots that compete and a server that is killed.
#include "jobqueue/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <set>
#include <sstream>
#include <thread>

#include "jobqueue/client.h"
#include "jobqueue/commands.h"
#include "net/http_client.h"
#include "net/test_socket.h"
#include "serve/secret.h"
#include "support/jobqueue_data.h"
#include "support/test_ca.h"

namespace apf::jobqueue {
namespace {

namespace panda = protocol::panda;
using testing::HasSubstr;

constexpr seconds kPatience{120};

// apf-jobqueue as an operator runs it.
class Program {
 public:
  explicit Program(std::string data) : data_(std::move(data)) {}
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() { end(SIGKILL); }

  // Starts it and waits until it listens.
  void start() {
    unlink((data_ + "/address").c_str());
    const std::string program = std::string(APF_BIN_DIR) + "/apf-jobqueue";
    const std::array<const char*, 7> argv = {program.c_str(), "run",         "--data", data_.c_str(),
                                             "--listen",      "127.0.0.1:0", nullptr};
    ASSERT_EQ(posix_spawn(&pid_, program.c_str(), nullptr, nullptr, const_cast<char* const*>(argv.data()), environ), 0)
        << program;
    const Mono until = mono_now() + kPatience;
    while (access((data_ + "/address").c_str(), F_OK) != 0) {
      ASSERT_LT(mono_now(), until) << "it does not listen";
      ASSERT_EQ(waitpid(pid_, nullptr, WNOHANG), 0) << "it ended";
      std::this_thread::sleep_for(milliseconds{5});
    }
  }
  int end(int signal) {
    if (pid_ <= 0) return -1;
    int status = 0;
    kill(pid_, signal);
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  std::string data_;
  pid_t pid_ = -1;
};

// A call that is repeated until a server answers it: what a real pilot does.
HttpReply insist(const tests::Directory& dir, const char* path, const std::string& body) {
  const Mono until = mono_now() + kPatience;
  for (; mono_now() < until; std::this_thread::sleep_for(milliseconds{10})) {
    const std::string address = dir.word("address");
    if (address.empty()) continue;  // between two lives of the server
    HttpRequest r;
    r.method = "POST";
    r.url = "http://" + address + path;
    r.body = body;
    r.headers = {{"Authorization", "Bearer " + dir.word("tokens/pilot.token")}};
    auto reply = net::fetch(r, mono_now() + seconds{10});
    if (reply && reply->status == 200) return std::move(*reply);
  }
  ADD_FAILURE() << "no answer to " << path;
  return {};
}

struct Ran {
  std::mutex mutex;
  std::multiset<std::int64_t> given;  // every attempt that a pilot got
  std::atomic<int> finished = 0;
};

// Takes jobs until there are none.
void pilot(const tests::Directory& dir, Ran& ran) {
  for (;;) {
    const HttpReply got =
        insist(dir, panda::kAcquireJobs, panda::write_acquire(tests::ask("Q", *serve::random_secret())));
    const auto jobs = panda::read_acquired(got.status, got.body);
    if (!jobs) {
      EXPECT_EQ(jobs.error().code, "panda.no_jobs") << jobs.error().text();
      return;
    }
    const panda::Job& job = jobs->front();
    {
      const std::lock_guard guard(ran.mutex);
      ran.given.insert(job.id);
    }
    for (const char* status : {"running", "finished"}) {
      const HttpReply reply = insist(dir, panda::kUpdateJob, panda::write_update(tests::say(job, status)));
      const auto update = panda::read_updated(reply.status, reply.body);
      ASSERT_TRUE(update) << update.error().text();
      EXPECT_TRUE(update->accepted()) << job.id << " " << status << ": " << reply.body;
    }
    ++ran.finished;
  }
}

SubmitArgs submission(const tests::Directory& dir, int n) {
  SubmitArgs a;
  a.where.data = dir.path();
  a.queue = "Q";
  a.count = n;
  a.argv = {"/bin/echo", "{i}"};
  return a;
}

// Eight pilots drain n jobs while `disturb` does its worst; every job must be given to one pilot and finish once.
void drain(const tests::Directory& dir, int n, const std::function<void(const Ran&)>& disturb) {
  std::ostringstream out;
  std::ostringstream err;
  ASSERT_EQ(submit(submission(dir, n), out, err), kGood) << err.str();
  Ran ran;
  std::vector<std::thread> pilots;
  for (int i = 0; i < 8; ++i) pilots.emplace_back([&] { pilot(dir, ran); });
  disturb(ran);
  for (auto& p : pilots) p.join();
  EXPECT_EQ(ran.given.size(), static_cast<std::size_t>(n));
  EXPECT_EQ(std::set<std::int64_t>(ran.given.begin(), ran.given.end()).size(), static_cast<std::size_t>(n));
  out.str("");
  WaitArgs all;
  all.where.data = dir.path();
  EXPECT_EQ(wait(all, out, err), kGood) << err.str();
  EXPECT_EQ(out.str(), std::to_string(n) + " finished, 0 failed or cancelled, 0 not ended\n");
}

TEST(JobQueueProgram, EightPilotsDrainTwoThousandJobsAndNoneIsGivenTwice) {
  const tests::Directory dir;
  Program program(dir.path());
  ASSERT_NO_FATAL_FAILURE(program.start());
  drain(dir, 2000, [](const Ran&) {});
  EXPECT_EQ(program.end(SIGTERM), 0) << "a graceful end";
  EXPECT_EQ(dir.word("address"), "");
}

TEST(JobQueueProgram, KilledInTheMidstItLosesAndRepeatsNothing) {
  const tests::Directory dir;
  Program program(dir.path());
  ASSERT_NO_FATAL_FAILURE(program.start());
  drain(dir, 1000, [&](const Ran& ran) {
    for (const int when : {50, 250, 400, 650, 900}) {
      while (ran.finished < when) std::this_thread::sleep_for(milliseconds{1});
      program.end(SIGKILL);
      ASSERT_NO_FATAL_FAILURE(program.start());
    }
  });
}

TEST(JobQueueProgram, SubmittedIsStored) {
  const tests::Directory dir;
  Program program(dir.path());
  ASSERT_NO_FATAL_FAILURE(program.start());
  std::ostringstream out;
  std::ostringstream err;
  ASSERT_EQ(submit(submission(dir, 12345), out, err), kGood) << err.str();
  EXPECT_EQ(out.str(), "submitted 12345 jobs: 1 to 12345\n");
  program.end(SIGKILL);
  ASSERT_NO_FATAL_FAILURE(program.start());
  out.str("");
  ASSERT_EQ(status({{"", dir.path(), "", "", true}, {}}, out, err), kGood) << err.str();
  EXPECT_THAT(out.str(), HasSubstr("\"activated\": 12345"));
}

class ServerTest : public testing::Test {
 protected:
  void SetUp() override { start(); }
  void start() {
    ServerSettings settings;
    settings.data = dir_.path();
    settings.port = 0;
    auto server = Server::start(settings);
    ASSERT_TRUE(server) << server.error().text();
    server_ = std::move(*server);
  }
  int run(int (*command)(const SubmitArgs&, std::ostream&, std::ostream&), const SubmitArgs& args) {
    return command(args, out_, err_);
  }
  [[nodiscard]] Where where() const { return {"", dir_.path(), "", "", false}; }

  tests::Directory dir_;
  std::unique_ptr<Server> server_;
  std::ostringstream out_, err_;
};

TEST_F(ServerTest, OneServerADirectory) {
  ServerSettings settings;
  settings.data = dir_.path();
  settings.port = 0;
  const auto second = Server::start(settings);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "serve.in_use");
  EXPECT_NE(dir_.word("address"), "") << "and the first one is left alone";
}

TEST_F(ServerTest, CommandsTellWhatIsWrongByTheirExitCode) {
  EXPECT_EQ(submit(submission(dir_, 0), out_, err_), kBadInput);
  SubmitArgs a = submission(dir_, 1);
  a.walltime = "90";
  EXPECT_EQ(submit(a, out_, err_), kBadInput);
  a = submission(dir_, 1);
  a.argv.clear();
  EXPECT_EQ(submit(a, out_, err_), kBadInput);
  a = submission(dir_, 1);
  a.where.token_file = dir_.file("tokens/read.token");
  EXPECT_EQ(submit(a, out_, err_), kNoServer);
  EXPECT_THAT(err_.str(), HasSubstr("another scope"));
  EXPECT_EQ(status({where(), {99}}, out_, err_), kFailed);
  EXPECT_EQ(list({where(), "", "sleeping", 0, 100}, out_, err_), kFailed);
  EXPECT_EQ(site({where(), "Q", "up"}, out_, err_), kFailed);
  EXPECT_EQ(cancel({where(), {99}, ""}, out_, err_), kFailed);
  server_.reset();
  EXPECT_EQ(status({where(), {}}, out_, err_), kNoServer);
  EXPECT_THAT(err_.str(), HasSubstr("no job queue runs on this data directory"));
}

TEST_F(ServerTest, ALongPollIsAnsweredWhenAJobComes) {
  const auto reader = Client::open("", dir_.path(), "", "", "read");
  ASSERT_TRUE(reader);
  HttpRequest r;
  r.url = "http://" + server_->address() + panda::kDetailedStats;
  r.headers = {{"Authorization", "Bearer " + dir_.word("tokens/read.token")}};
  auto first = net::fetch(r, mono_now() + kPatience);
  ASSERT_TRUE(first) << first.error().text();
  r.url += "?wait=100";
  r.headers.emplace_back("If-None-Match", first->headers.at("etag"));
  Result<HttpReply> second;
  std::thread waiter([&] { second = net::fetch(r, mono_now() + kPatience); });
  EXPECT_EQ(submit(submission(dir_, 2), out_, err_), kGood) << err_.str();
  waiter.join();
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(second->status, 200);
  EXPECT_THAT(second->body, HasSubstr("\"activated\":2"));
}

TEST_F(ServerTest, FilesOfJobs) {
  std::ofstream(dir_.file("jobs.jsonl"))
      << R"({"transformation":"/bin/echo","jobParameters":"a 'b c'","maxWalltime":60})"
      << "\n\n"
      << R"({"computingSite":"R","apf_argv":["/bin/true"]})" << "\n";
  SubmitArgs a = submission(dir_, 1);
  a.from = dir_.file("jobs.jsonl");
  a.argv.clear();
  ASSERT_EQ(submit(a, out_, err_), kGood) << err_.str();
  out_.str("");
  ASSERT_EQ(list({{"", dir_.path(), "", "", true}, "Q", "activated", 0, 100}, out_, err_), kGood);
  EXPECT_THAT(out_.str(), HasSubstr("\"b c\""));
  std::ofstream(dir_.file("jobs.jsonl")) << R"({"computingSite":"R","apf_argv":["/bin/true"]})"
                                         << "\n{\"apf_argv\":[]}\n";
  EXPECT_EQ(submit(a, out_, err_), kBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("jobs.jsonl:2: 'apf_argv' must be"));
}

TEST_F(ServerTest, CancelAndSites) {
  ASSERT_EQ(submit(submission(dir_, 3), out_, err_), kGood);
  EXPECT_EQ(cancel({where(), {}, "Q"}, out_, err_), kGood) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("3 of 3 jobs cancelled"));
  EXPECT_EQ(wait({where(), "Q", "10s"}, out_, err_), kFailed) << "cancelled is not finished";
  out_.str("");
  EXPECT_EQ(site({where(), "Q", "offline"}, out_, err_), kGood);
  EXPECT_THAT(out_.str(), HasSubstr("offline"));
}

// With TLS: pilots show a certificate or a token, commands of this machine need neither name nor CA.
TEST_F(ServerTest, PilotsShowACertificateOrATokenOverTls) {
  server_.reset();
  apf::tests::TestCa ca(dir_.file("ca"));
  const auto identity = ca.server();
  std::ofstream(dir_.file("subjects")) << "pilot /CN=Robot\n";
  ServerSettings settings;
  settings.data = dir_.path();
  settings.address = "0.0.0.0";  // may leave loopback now
  settings.port = 0;
  settings.tls.certificate = identity.file;
  settings.tls.client_ca = ca.file();
  auto started = Server::start(settings);
  ASSERT_TRUE(started) << started.error().text();
  server_ = std::move(*started);
  ASSERT_EQ(submit(submission(dir_, 1), out_, err_), kGood) << err_.str();

  const std::string port = server_->address().substr(server_->address().rfind(':'));
  const auto ask = [&](const char* path, const std::string& body, const apf::tests::Identity* who,
                       const std::string& token) {
    HttpRequest r;
    r.method = "POST";
    r.url = "https://localhost" + port + path;
    r.body = body;
    r.ca_file = ca.file();
    if (who != nullptr) r.client_cert = r.client_key = who->file;
    if (!token.empty()) r.headers = {{"Authorization", "Bearer " + token}};
    auto reply = net::fetch(r, mono_now() + kPatience);
    EXPECT_TRUE(reply) << reply.error().text();
    return reply ? reply->body : std::string();
  };
  const auto robot = ca.client({{"CN", "Robot"}});
  const auto proxy = ca.proxy(robot);
  const auto ann = ca.client({{"CN", "Ann"}});
  const std::string pilot = dir_.word("tokens/pilot.token");
  constexpr const char* kStatus = "/server/panda/getStatus";
  EXPECT_THAT(ask(kStatus, "ids=1", &robot, ""), HasSubstr("status=activated"));
  EXPECT_THAT(ask(kStatus, "ids=1", &proxy, ""), HasSubstr("status=activated"));
  EXPECT_THAT(ask(kStatus, "ids=1", nullptr, pilot), HasSubstr("status=activated"));
  EXPECT_THAT(ask(kStatus, "ids=1", &ann, pilot), HasSubstr("status=activated"))
      << "a token counts before a certificate";
  EXPECT_THAT(ask(kStatus, "ids=1", nullptr, ""), HasSubstr("StatusCode=60"));
  EXPECT_THAT(ask(kStatus, "ids=1", &robot, "no-token"), HasSubstr("StatusCode=50"));
  EXPECT_THAT(ask(kStatus, "ids=1", &ann, ""), HasSubstr("%2FCN%3DAnn%20is%20in%20no%20line"));
  EXPECT_THAT(ask(panda::kKillJobs, R"({"job_ids":[1]})", &robot, ""), HasSubstr("another scope"));
  EXPECT_THAT(ask(panda::kAcquireJobs, R"({"site_name":"Q"})", &robot, ""),
              HasSubstr("https://localhost" + port + "/trf/exec"));
  const Where far{"https://localhost" + port, "", dir_.file("tokens/read.token"), ca.file(), false};
  EXPECT_EQ(status({far, {1}}, out_, err_), kGood) << err_.str();
  server_.reset();
  EXPECT_NE(access(dir_.file("socket").c_str(), F_OK), 0);
}

// They get their answer at once: what they announce is never read.
TEST_F(ServerTest, StrangersCannotMakeItTakeLongBodies) {
  const auto port = static_cast<std::uint16_t>(std::stoi(server_->address().substr(server_->address().rfind(':') + 1)));
  const auto announce = [&](const std::string& path, const std::string& more) {
    const net::test::RawClient client(port);
    EXPECT_TRUE(client.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 30000000\r\n" + more + "\r\n"));
    return client.read_until("\r\n\r\n");
  };
  EXPECT_THAT(announce(panda::kSubmitJobs, ""), HasSubstr(" 401 "));
  EXPECT_THAT(announce(panda::kSubmitJobs, "Authorization: Bearer x\r\nExpect: 100-continue\r\n"), HasSubstr(" 401 "));
  EXPECT_THAT(announce(panda::kSubmitJobs, "Authorization: Bearer " + dir_.word("tokens/read.token") + "\r\n"),
              HasSubstr(" 403 "));
  EXPECT_THAT(announce("/server/panda/isAlive", ""), HasSubstr(" 413 "));
  EXPECT_THAT(announce("/nothing", ""), HasSubstr(" 401 "));
  EXPECT_EQ(submit(submission(dir_, 1), out_, err_), kGood) << err_.str();
}

TEST(ServerAddress, OnlyWithTlsMayItLeaveLoopback) {
  const tests::Directory dir;
  ServerSettings settings;
  settings.data = dir.path();
  settings.address = "0.0.0.0";
  const auto open = Server::start(settings);
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, "jobqueue.not_loopback");
  EXPECT_THAT(open.error().advice, HasSubstr("--tls-certificate"));
  settings.address = "127.0.0.1";
  settings.tls.client_ca = dir.path();
  EXPECT_EQ(Server::start(settings).error().code, "net.bad_tls") << "a CA for clients alone makes no TLS";
}

TEST(Submission, NumbersWhatItIsTold) {
  SubmitArgs a;
  a.queue = "Q";
  a.count = 3;
  a.name = "tile-{i}";
  a.argv = {"/bin/tile", "--at={i}/{i}", "{}"};
  a.environment = {"N={i}", "EMPTY="};
  a.memory = "1500 kB";
  a.walltime = "1h";
  const auto jobs = jobs_of(a);
  ASSERT_TRUE(jobs) << jobs.error().text();
  ASSERT_EQ(jobs->size(), 3U);
  EXPECT_THAT(jobs->at(2).argv, testing::ElementsAre("/bin/tile", "--at=2/2", "{}"));
  EXPECT_EQ(jobs->at(2).environment.at("N"), "2");
  EXPECT_EQ(jobs->at(2).name, "tile-2");
  EXPECT_EQ(jobs->at(0).memory_mb, 2) << "a part of a MB is one";
  EXPECT_EQ(jobs->at(0).walltime_s, 3600);
}

}  // namespace
}  // namespace apf::jobqueue
