// How a pilot speaks of itself and its node: environment, datagrams, profile, outcome.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "wrapper/exit_codes.h"
#include "wrapper/node/profile.h"
#include "wrapper/payload/scratch.h"
#include "wrapper/report/environment.h"
#include "wrapper/report/summary.h"
#include "wrapper/report/udp.h"

namespace apf::wrapper {
namespace {

struct Shown {
  const char* variable;
  const char* line;
};
class EnvironmentLine : public testing::TestWithParam<Shown> {};
INSTANTIATE_TEST_SUITE_P(
    Cases, EnvironmentLine,
    testing::Values(Shown{"HOME=/home/apf", "HOME=/home/apf"}, Shown{"EMPTY=", "EMPTY="}, Shown{"odd", "odd="},
                    Shown{"PANDA_AUTH_TOKEN=abc", "PANDA_AUTH_TOKEN=***"},
                    Shown{"PANDA_AUTH_ORIGIN=atlas", "PANDA_AUTH_ORIGIN=atlas"},
                    Shown{"BEARER_TOKEN_FILE=/x/y", "BEARER_TOKEN_FILE=/x/y"},
                    Shown{"X509_USER_PROXY=/tmp/x509up_u7", "X509_USER_PROXY=/tmp/x509up_u7"},
                    Shown{"AWS_SECRET_ACCESS_KEY=k", "AWS_SECRET_ACCESS_KEY=***"},
                    Shown{"mysql_pwd=k", "mysql_pwd=***"}, Shown{"DbPassword=k", "DbPassword=***"},
                    Shown{"PWD=/tmp", "PWD=/tmp"}, Shown{"KEYBOARD=de", "KEYBOARD=de"},
                    Shown{"SSH_PRIVATE=k", "SSH_PRIVATE=***"},
                    Shown{"http_proxy=http://joe:pw@squid:3128/", "http_proxy=http://***@squid:3128/"},
                    Shown{"TWO=https://a@h/x https://b:c@i", "TWO=https://***@h/x https://***@i"},
                    Shown{"AT=http://h/p@q", "AT=http://h/p@q"}, Shown{"X=eyJh.eyJi.c", "X=***"},
                    Shown{"K=-----BEGIN PRIVATE KEY-----", "K=***"}, Shown{"H=Authorization: Bearer x", "H=***"},
                    Shown{"LINES=a\nb\tc", "LINES=a\\x0ab\\x09c"}));

TEST_P(EnvironmentLine, ShowsNoSecret) { EXPECT_EQ(shown_variable(GetParam().variable), GetParam().line); }

TEST(EnvironmentLines, LongOnesAreCut) { EXPECT_LT(shown_variable("A=" + std::string(100'000, 'x')).size(), 2100U); }

TEST(UdpAddress, IsNumericOrAName) {
  for (const char* good : {"127.0.0.1:1", "148.88.96.15:28527", "[::1]:9", "[2001:db8::7]:65535"})
    EXPECT_TRUE(udp_address(good)) << good;
  for (const char* bad : {"", "host:1", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:70000", "::1:9", "[1.2.3.4]:5"})
    EXPECT_FALSE(udp_address(bad)) << bad;
  EXPECT_EQ(udp_name("monitor.example.org:28527"), "monitor.example.org");
  EXPECT_EQ(udp_name("h_1-a:1"), "h_1-a");
  for (const std::string bad : {"", "host", "host:", "host:0", "-h:1", "a b:1", "1.2.3:4", "127.0.0.1:1", "[::1]:9",
                                "a:b:1", "$(x):1", ":1", "h/x:1", std::string(254, 'a').append(":1").c_str()})
    EXPECT_EQ(udp_name(bad), "") << bad;
}

TEST(UdpAddress, IsFoundInWhatGetentPrints) {
  const char* usual = "192.0.2.7       STREAM monitor.example.org\n192.0.2.7       DGRAM  \n192.0.2.8 STREAM\n";
  EXPECT_EQ(udp_found("monitor.example.org:28527", usual), "192.0.2.7:28527");
  EXPECT_EQ(udp_found("m:9", "2001:db8::7   STREAM m\n192.0.2.7 STREAM\n"), "[2001:db8::7]:9");
  EXPECT_EQ(udp_found("m:9", "fe80::1%eth0 STREAM m\n192.0.2.7 STREAM"), "192.0.2.7:9") << "no address of ours";
  for (const char* nothing : {"", "\n", "garbage\n\n", "192.0.2.300 STREAM\n"})
    EXPECT_EQ(udp_found("m:9", nothing), "");
}

TEST(NodeProfile, ReadsCpuinfo) {
  const auto cpu = node::read_cpuinfo(
      "processor\t: 0\nmodel name\t: Xeon  X\nphysical id\t: 0\ncore id\t: 0\ncpu MHz\t\t: 2700.5\n\n"
      "processor\t: 1\nmodel name\t: Xeon  X\nphysical id\t: 0\ncore id\t: 0\n\n"
      "processor\t: 2\nmodel name\t: Xeon  X\nphysical id\t: 1\ncore id\t: 0\n");
  EXPECT_EQ(cpu.model, "Xeon  X");
  EXPECT_EQ(cpu.logical, 3);
  EXPECT_EQ(cpu.cores, 2);
  EXPECT_EQ(cpu.sockets, 2);
  EXPECT_DOUBLE_EQ(cpu.mhz, 2700.5);
  EXPECT_EQ(node::read_cpuinfo("rubbish").logical, 0);
}

TEST(NodeProfile, FindsWhatTheNodeShows) {
  std::string root = testing::TempDir() + "apf-profile-XXXXXX";
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  const auto file = [&](const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  };
  file("/proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA A100\nIRQ: 1\n");
  file("/sys/bus/pci/devices/0000:01:00.0/class", "0x030200\n");
  file("/sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n");
  file("/sys/bus/pci/devices/0000:02:00.0/class", "0x038000\n");
  file("/sys/bus/pci/devices/0000:02:00.0/vendor", "0x1002\n");
  file("/sys/bus/pci/devices/0000:02:00.0/device", "0x740c\n");
  file("/sys/bus/pci/devices/0000:03:00.0/class", "0x020000\n");
  file("/etc/os-release", "NAME=x\nPRETTY_NAME=\"AlmaLinux 9.4\"\n");
  file("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 400 kB\n");
  const auto j = nlohmann::json::parse(node::profile(root, node::Benchmark{.loops = 2.5, .took = milliseconds{300}}));
  EXPECT_EQ(j["gpus"], (nlohmann::json{"NVIDIA A100", "PCI 1002:740c"}));
  EXPECT_EQ(j["os"], "AlmaLinux 9.4");
  EXPECT_EQ(j["memory"], 1024000);
  EXPECT_EQ(j["benchmark"]["mloops"], 2.5);
  EXPECT_EQ(j["cgroup"]["version"], 0);
  EXPECT_TRUE(remove_tree(root));
}

TEST(NodeProfile, TheSampleIsTheShareAndReproducible) {
  int sampled = 0;
  for (int i = 0; i < 10'000; ++i) sampled += node::sampled("a1b2c3d4." + std::to_string(i), 0.1) ? 1 : 0;
  EXPECT_NEAR(sampled, 1000, 150);
  EXPECT_FALSE(node::sampled("x", 0));
  EXPECT_TRUE(node::sampled("x", 1));
  EXPECT_EQ(node::sampled("y.1", 0.5), node::sampled("y.1", 0.5));
}

TEST(NodeProfile, TheBenchmarkMeasuresSomething) {
  const auto b = node::benchmark();
  EXPECT_GT(b.loops, 0);
  EXPECT_GE(b.took, milliseconds{300});
}

struct Ended {
  Summary summary;
  const char* outcome;
  int telling;
};
class OutcomeWord : public testing::TestWithParam<Ended> {};
INSTANTIATE_TEST_SUITE_P(
    Cases, OutcomeWord,
    testing::Values(Ended{{.reason = kReasonNoWork}, "no_work", 82}, Ended{{.reason = "node checked"}, "done", 0},
                    Ended{{.reason = kReasonNoWork, .payloads = 2, .failed = 1}, "done", 0},
                    Ended{{.reason = kReasonNoWork, .payloads = 2, .failed = 2}, "payload_fault", 65},
                    Ended{{.rc = 1}, "wrapper_fault", 1}, Ended{{.rc = 64}, "node_fault", 64},
                    Ended{{.rc = 68}, "credential_fault", 68}, Ended{{.rc = 79}, "wms_fault", 79},
                    Ended{{.rc = 2}, "configuration", 2}, Ended{{.rc = 143}, "told_to_end", 143}));

TEST_P(OutcomeWord, AndItsExitCode) {
  const Summary& s = GetParam().summary;
  EXPECT_STREQ(outcome(s), GetParam().outcome);
  EXPECT_EQ(exit_code(s, true), GetParam().telling);
  EXPECT_EQ(exit_code(s, false), s.rc) << "plain: only what is the pilot's own";
}

}  // namespace
}  // namespace apf::wrapper
