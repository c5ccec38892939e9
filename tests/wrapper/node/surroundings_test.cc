// What a pilot finds around it: an old kernel, a monitor that hangs, a receiver of datagrams.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "wrapper/lab.h"

namespace apf::lab {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::MatchesRegex;

// pidfd_open and all else that is younger than 3.10 is denied: the wrapper notices the end of its children, kills what
// they leave behind, passes signals on.
TEST(OldKernel, RunsPayloadsAndCleansUp) {
  const Directory d;
  const FaultyWms wms(Json{{"jobs",
                            {fake_job(1, "setsid sleep 1000 & echo $! > " + d.path() + "/daemon; echo ran"),
                             fake_job(2, "exec sleep 1000")}}});
  Pilot pilot(wms.url());
  pilot.below(APF_TEST_BIN_DIR "/old_kernel").report_to(wms.url()).option("checks", "full").option("benchmark", "100");
  pilot.option("maxoutput", "30 MB").option("stuck", "1h").start();
  ASSERT_TRUE(eventually([&] { return pilot.log().find("job 2 attempt 1 of job2: /bin/sh") != std::string::npos; }))
      << pilot.log();
  EXPECT_THAT(pilot.log(), HasSubstr("\nran\n"));
  EXPECT_FALSE(alive(std::stoi("0" + read_file(d / "daemon"))));
  pilot.process().signal(SIGTERM);
  EXPECT_EQ(pilot.wait(), 128 + SIGTERM) << pilot.log();
  EXPECT_EQ(wms.updates().back()["pilot_error_code"], 1201);
  EXPECT_THAT(wms.requests("report").back()["body"].get<std::string>(), HasSubstr("state=exiting"));
  EXPECT_TRUE(pilot.clean());
}

TEST(OldKernel, TheTestDeniesWhatItSays) {
  const Directory d;
  write_file(d / "try.py",
             "import os, sys\ntry:\n  os.pidfd_open(os.getpid())\nexcept OSError as e:\n  sys.exit(e.errno)\n");
  Process python({APF_TEST_BIN_DIR "/old_kernel", "/usr/bin/env", "python3", d / "try.py"}, {}, d.path(), d / "log");
  EXPECT_EQ(python.wait(), ENOSYS) << read_file(d / "log");
}

// The factory is asked by a curl that returns only when the payload has run, and says so if somebody loses patience
// with it before. So it is the order that is tested: the payload's start waits for no word of the factory.
TEST(HangingMonitor, ThePayloadStartsBeforeAnyReportEnds) {
  const Directory d;
  std::filesystem::create_directory(d / "bin");
  write_file(d / "bin/curl",
             "#!/bin/sh\nconfig=$(cat)\n"
             "case $config in\n*/apfmon/jobs/*)\n"
             "  trap '[ -e " +
                 d.path() + "/payload-runs ] || echo > " + d.path() +
                 "/given-up; exit 28' TERM\n"
                 "  echo >> " +
                 d.path() +
                 "/asked\n"
                 "  until [ -e " +
                 d.path() +
                 "/payload-runs ]; do sleep 0.05; done ;;\nesac\n"
                 "printf '%s' \"$config\" | command -p curl \"$@\"\n");
  std::filesystem::permissions(d / "bin/curl", std::filesystem::perms::owner_all);
  for (const char* checks : {"trivial", "full"}) {
    std::filesystem::remove(d / "payload-runs");
    const FaultyWms server(Json{{"jobs", {fake_job(1, "echo > " + d.path() + "/payload-runs")}}});
    Pilot pilot(server.url());
    pilot.environment("PATH", d / "bin:/usr/local/bin:/usr/bin:/bin").report_to(server.url()).option("checks", checks);
    EXPECT_EQ(pilot.run(), 0) << pilot.log();
    EXPECT_TRUE(exists(d / "payload-runs"));
    EXPECT_TRUE(exists(d / "asked")) << "the factory was asked";
    EXPECT_FALSE(exists(d / "given-up")) << "the payload started only after a report had come to its end";
  }
}

// A socket on loopback that gets the datagrams.
class Receiver {
 public:
  Receiver() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof a;
    if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&a), size) == 0)
      ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&a), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(a.sin_port));
  }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] std::string next() const {
    std::array<char, 2000> bytes{};
    const ssize_t n = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    return n > 0 ? std::string(bytes.data(), static_cast<std::size_t>(n)) : "";
  }

 private:
  process::Fd fd_;
  std::string address_;
};

// A pilot whose node has this getent and whose payload goes on until that has been asked.
class UdpByName : public testing::Test {
 protected:
  UdpByName() { std::filesystem::create_directory(directory_ / "bin"); }
  void run(const std::string& getent, const std::string& address) {
    const std::string here = directory_.path();
    write_file(here + "/bin/getent", "#!/bin/sh\n[ \"$*\" = 'ahosts monitor.example.org' ] || exit 3\n" + getent +
                                         "echo > " + here + "/asked\n" + "exit $code\n");
    std::filesystem::permissions(here + "/bin/getent", std::filesystem::perms::owner_all);
    const std::string wait = "until [ -e " + here + "/asked ]; do sleep 0.05; done";
    const FaultyWms wms(Json{{"jobs", {fake_job(1, "echo > " + here + "/payload-runs; " + wait)}}});
    pilot_ = std::make_unique<Pilot>(wms.url());
    pilot_->environment("PATH", here + "/bin:/usr/local/bin:/usr/bin:/bin").option("udp", address);
    EXPECT_EQ(pilot_->run(), 0) << pilot_->log();
  }
  Directory directory_;
  std::unique_ptr<Pilot> pilot_;
};

// This getent returns only when the payload runs: the payload's start does not wait for it, and no datagram is lost.
TEST_F(UdpByName, IsLookedUpBesideThePilot) {
  const Receiver receiver;
  run("until [ -e " + directory_.path() + "/payload-runs ]; do sleep 0.05; done\n" +
          "echo '127.0.0.1       STREAM monitor.example.org'; code=0\n",
      "monitor.example.org" + receiver.address().substr(receiver.address().rfind(':')));
  EXPECT_THAT(receiver.next(), HasSubstr(" running 0 "));
  EXPECT_THAT(receiver.next(), HasSubstr(" exiting "));
}

TEST_F(UdpByName, OfNobodyIsTold) {
  run("code=2\n", "monitor.example.org:9");
  EXPECT_THAT(pilot_->log(), HasSubstr("no reports by UDP: the node finds no address of 'monitor.example.org'"));
}

TEST(Udp, StartAndEndAreToldInPilotWrappersForm) {
  const Receiver receiver;
  const FaultyWms wms(Json{{"jobs", {fake_job(1, "true")}}});
  Pilot pilot(wms.url());
  pilot.environment("APFFID", "lab-factory").environment("APFCID", "2.0").environment("HARVESTER_ID", "");
  pilot.environment("GTAG", "http://127.0.0.1/logs/2.0.out").environment("SCHEDD_NAME", "ce.example.org:9619");
  EXPECT_EQ(pilot.option("udp", receiver.address()).run(), 0) << pilot.log();
  const std::string gap(10, ' ');
  EXPECT_THAT(receiver.next(), MatchesRegex("apf-[^ ]+" + gap + "lab-factory:2.0" + gap + "running 0" + gap + "Q" +
                                            gap + "ce.example.org" + gap + "unknown" + gap + "unknown" + gap +
                                            "http://127.0.0.1/logs/2.0.out"));
  EXPECT_THAT(receiver.next(), HasSubstr(gap + "exiting "));
  EXPECT_EQ(receiver.next(), "") << "two are all there are";
}

}  // namespace
}  // namespace apf::lab
