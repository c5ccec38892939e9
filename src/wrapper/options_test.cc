#include "wrapper/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace apf::wrapper {
namespace {

using testing::HasSubstr;

Result<Options> parse(std::vector<std::string> more) {
  more.insert(more.begin(), {"--wrapperwmsurl", "http://h:1/", "--wrapperwmsqueue", "Q"});
  return parse_options(more);
}

TEST(WrapperOptions, DefaultsAndRequired) {
  const auto o = parse({});
  ASSERT_TRUE(o);
  EXPECT_EQ(o->wms_url, "http://h:1");
  EXPECT_EQ(o->wms_queue, "Q");
  EXPECT_EQ(o->label, "managed");
  EXPECT_EQ(o->lifetime, seconds{7200});
  EXPECT_EQ(o->level, Level::info);
}

TEST(WrapperOptions, BothForms) {
  const auto o =
      parse({"--wrapperlifetime=90min", "--wrappertokenfile", "a=b", "--wrappermemory", "2 GiB", "--wrappermaxjobs=3",
             "--wrapperloglevel", "debug", "--wrapperlabel", "", "--wrapperurl", "file:///x", "--wrappersha256", "00"});
  ASSERT_TRUE(o) << o.error().text();
  EXPECT_EQ(o->lifetime, seconds{5400});
  EXPECT_EQ(o->token_file, "a=b");
  EXPECT_EQ(o->memory, std::int64_t{2} << 30U);
  EXPECT_EQ(o->max_jobs, 3);
  EXPECT_EQ(o->level, Level::debug);
  EXPECT_EQ(o->label, "");
}

TEST(WrapperOptions, TheLastOneWins) {
  const auto o = parse({"--wrapperlabel", "a", "--wrapperlabel=b"});
  ASSERT_TRUE(o);
  EXPECT_EQ(o->label, "b");
}

struct Bad {
  std::vector<std::string> arguments;
  const char* word;
};
class WrapperBadOptions : public testing::TestWithParam<Bad> {};
INSTANTIATE_TEST_SUITE_P(Cases, WrapperBadOptions,
                         testing::Values(Bad{{"--wrapperlifetme", "1h"}, "unknown option '--wrapperlifetme'"},
                                         Bad{{"--wrapperlifetime", "7"}, "--wrapperlifetime"},
                                         Bad{{"--wrapperlifetime", "-1h"}, "--wrapperlifetime"},
                                         Bad{{"--wrapperlifetime"}, "with its value"},
                                         Bad{{"--wrapperplugin", "pnda"}, "generic, trivial"},
                                         Bad{{"--wrapperwmsurl", "ftp://h"}, "not an http"},
                                         Bad{{"--wrapperwmsqueue="}, "--wrapperwmsqueue is missing"},
                                         Bad{{"--wrappermaxjobs", "-1"}, "whole number from 0"},
                                         Bad{{"--wrapperloglevel", "loud"}, "log level"},
                                         Bad{{"--wrapperwmsqueue", "a\nb"}, "line break"}, Bad{{"job"}, "'job'"}));

TEST_P(WrapperBadOptions, AreRefusedByName) {
  const auto o = parse(GetParam().arguments);
  ASSERT_FALSE(o);
  EXPECT_EQ(o.error().kind, Kind::config);
  EXPECT_EQ(o.error().code, "wrapper.bad_option");
  EXPECT_THAT(o.error().text(), HasSubstr(GetParam().word));
}

TEST(WrapperOptions, OnlyAPilotThatAsksTheWmsNeedsIt) {
  EXPECT_FALSE(parse_options(std::vector<std::string>{"--wrapperplugin", "generic"}));
  const auto o = parse_options(std::vector<std::string>{"--wrapperplugin", "trivial"});
  ASSERT_TRUE(o) << o.error().text();
  EXPECT_EQ(o->plugin, "trivial");
}

TEST(WrapperOptions, UsageNamesThemAll) {
  EXPECT_THAT(usage(), HasSubstr("--wrappertokenfile FILE"));
  EXPECT_THAT(usage(), HasSubstr("--wrapperlifetime DURATION"));
  EXPECT_THAT(usage(), HasSubstr("\n  trivial "));
}

}  // namespace
}  // namespace apf::wrapper
