#include "monitor/logs/log_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace apf::monitor {
namespace {

using testing::HasSubstr;

constexpr const char* kHome = "https://factory.example.org/logs";
constexpr const char* kMachine = "192.0.2.7";

struct Case {
  const char* url;
  const char* fetched;  // null: refused
};

class FactoryFiles : public testing::TestWithParam<Case> {};

TEST_P(FactoryFiles, OnlyWhatLiesBelowItsAddress) {
  const auto place = find_log({}, GetParam().url, kHome, kMachine);
  if (GetParam().fetched == nullptr) {
    EXPECT_FALSE(place) << place->url;
    return;
  }
  ASSERT_TRUE(place) << place.error().text();
  EXPECT_EQ(place->url, GetParam().fetched);
  EXPECT_EQ(place->machine, kMachine);
}

INSTANTIATE_TEST_SUITE_P(
    Urls, FactoryFiles,
    testing::Values(
        Case{"https://factory.example.org/logs/a/1.0.out", "https://factory.example.org:443/logs/a/1.0.out"},
        Case{"HTTPS://Factory.Example.org:443/logs/1.out?x=1#y", "https://factory.example.org:443/logs/1.out?x=1"},
        Case{"http://factory.example.org/logs/1.out", nullptr}, Case{"https://factory.example.org:444/logs/1", nullptr},
        Case{"https://other.example.org/logs/1.out", nullptr}, Case{"https://factory.example.org/logs", nullptr},
        Case{"https://factory.example.org/logs/", nullptr}, Case{"https://factory.example.org/logsx/1", nullptr},
        Case{"https://factory.example.org/api/v1", nullptr},
        Case{"https://factory.example.org/logs/../api/v1", nullptr},
        Case{"https://factory.example.org/logs/%2e%2E/api", nullptr},
        Case{"https://factory.example.org/logs/..%2fapi", nullptr},
        Case{"https://factory.example.org/logs\\..\\api", nullptr},
        Case{"https://factory.example.org@other.example.org/logs/1", nullptr},
        Case{"https://user:word@factory.example.org/logs/1", nullptr},
        Case{"https://@factory.example.org/logs/1", nullptr}, Case{"file:///logs/1", nullptr},
        Case{"ftp://factory.example.org/logs/1", nullptr}, Case{"gopher://factory.example.org/logs/1", nullptr},
        Case{"javascript:alert(1)", nullptr}, Case{"//factory.example.org/logs/1", nullptr}, Case{"", nullptr},
        Case{"https:///logs/1", nullptr}, Case{"https://factory.example.org/logs/1\r\nHost: x", nullptr},
        Case{"https://factory.example.org/logs/a b", nullptr}));

TEST(LogPlace, ServersThatAreNamedServeFromAnywhere) {
  const LogRule rule{{*read_origin("https://Logs.example.org/what/ever")}, false};
  const auto place = find_log(rule, "https://logs.example.org/1.out", "", "");
  ASSERT_TRUE(place) << place.error().text();
  EXPECT_EQ(place->machine, "");
  const auto other = find_log(rule, "https://logs.example.org:8443/1.out", "https://logs.example.org:8443/", kMachine);
  ASSERT_FALSE(other) << "factories themselves are not asked by this rule";
  EXPECT_THAT(other.error().advice, HasSubstr("\"https://logs.example.org:8443\" to [logs] from"));
  EXPECT_EQ(read_origin("logs.example.org").error().code, "logs.bad_origin");
}

TEST(LogPlace, SaysWhyNot) {
  EXPECT_THAT(find_log({}, "https://a/1", "", kMachine).error().what, HasSubstr("told no address"));
  EXPECT_THAT(find_log({}, "https://a/1", "javascript:x", kMachine).error().what, HasSubstr("told no address"));
  EXPECT_THAT(find_log({}, "https://a/1", kHome, kMachine).error().what,
              HasSubstr("not below https://factory.example.org:443/logs"));
  EXPECT_THAT(find_log({}, "https://factory.example.org/logs/1", kHome, "").error().what, HasSubstr("which machine"));
}

TEST(LogPlace, KnowsTheMachineOfAFactory) {
  EXPECT_TRUE(same_machine("192.0.2.7", "192.0.2.7"));
  EXPECT_TRUE(same_machine("::ffff:192.0.2.7", "192.0.2.7"));
  EXPECT_TRUE(same_machine("2001:db8:0::7", "2001:db8::7"));
  EXPECT_FALSE(same_machine("192.0.2.8", "192.0.2.7"));
  EXPECT_FALSE(same_machine("127.0.0.1", "192.0.2.7")) << "else anybody's logs could be at services of this host";
  EXPECT_FALSE(same_machine("::1", "2001:db8::7"));
  EXPECT_FALSE(same_machine("169.254.169.254", "127.0.0.1"));
  EXPECT_FALSE(same_machine("0.0.0.0", "127.0.0.1"));
  EXPECT_TRUE(same_machine("127.0.0.2", "127.0.0.1")) << "a factory on this host";
  EXPECT_FALSE(same_machine("", ""));
  EXPECT_FALSE(same_machine("unix:1000", "unix:1000"));
}

}  // namespace
}  // namespace apf::monitor
