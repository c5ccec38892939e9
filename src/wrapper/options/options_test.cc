#include "wrapper/options/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wrapper/plugin.h"

namespace apf::wrapper {
namespace {

using testing::HasSubstr;

// As a session does: parse, then ask the kind of pilot.
Result<Options> parse_all(const std::vector<std::string>& arguments) {
  auto o = parse_options(arguments);
  if (!o) return o;
  if (auto enough = check_options(*o, *find_plugin(o->plugin.empty() ? "generic" : o->plugin)); !enough)
    return fail(enough.error());
  return o;
}

Result<Options> parse(std::vector<std::string> more) {
  more.insert(more.begin(), {"--wrapperwmsurl", "http://h:1/", "--wrapperwmsqueue", "Q"});
  return parse_all(more);
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
  const auto o = parse({"--wrapperlifetime=90min", "--wrappertokenfile", "a=b", "--wrappermemory", "2 GiB",
                        "--wrappermaxjobs=3", "--wrapperloglevel", "debug", "--wrapperlabel", "", "--wrappertarballurl",
                        "file:///x", "--wrappertarballchecksum", std::string(64, '0')});
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
INSTANTIATE_TEST_SUITE_P(
    Cases, WrapperBadOptions,
    testing::Values(
        Bad{{"--wrapperlifetme", "1h"}, "unknown option '--wrapperlifetme'"},
        Bad{{"--wrapperlifetime", "7"}, "--wrapperlifetime"}, Bad{{"--wrapperlifetime", "-1h"}, "--wrapperlifetime"},
        Bad{{"--wrapperlifetime"}, "has no value"}, Bad{{"--wrapperplugin", "pnda"}, "generic, exec, panda, trivial"},
        Bad{{"--wrapperwmsurl", "ftp://h"}, "not an http"}, Bad{{"--wrapperwmsqueue="}, "--wrapperwmsqueue is missing"},
        Bad{{"--wrappermaxjobs", "-1"}, "whole number from 0"}, Bad{{"--wrapperloglevel", "loud"}, "log level"},
        Bad{{"--wrapperwmsqueue", "a\nb"}, "line break"}, Bad{{"job"}, "'job'"}, Bad{{"--", "job"}, "'job'"},
        Bad{{"--pandasites", "x"}, "'--pandasites'"}, Bad{{"--wrapperbatchqueue", "a b"}, "is no name"},
        Bad{{"--wrappergrid", "a*"}, "is no name"}, Bad{{"--wrapperplatform", "EGEE"}, "LOCAL, OSG or EGI"},
        Bad{{"--wrappertarballchecksum", std::string(32, 'a')}, "no SHA-256"},
        Bad{{"--wrappervlimit", "4G"}, "whole number"}, Bad{{"--wrappermode", "fast"}, "run or dry"},
        Bad{{"--wrapperpurpose", "work"}, "no purpose"}, Bad{{"--wrapperpilottype", ","}, "no list of pilot types"}));

TEST_P(WrapperBadOptions, AreRefusedByName) {
  const auto o = parse(GetParam().arguments);
  ASSERT_FALSE(o);
  EXPECT_EQ(o.error().kind, Kind::config);
  EXPECT_EQ(o.error().code, "wrapper.bad_option");
  EXPECT_THAT(o.error().text(), HasSubstr(GetParam().word));
}

TEST(WrapperOptions, OnlyAPilotThatAsksTheWmsNeedsIt) {
  EXPECT_FALSE(parse_all({"--wrapperplugin", "generic"}));
  const auto o = parse_all({"--wrapperplugin", "trivial"});
  ASSERT_TRUE(o) << o.error().text();
  EXPECT_EQ(o->plugin, "trivial");
}

TEST(WrapperOptions, OlderNamesMeanTheSame) {
  const std::vector<std::string> older{"--pandasite=S",
                                       "--pandaqueue=B",
                                       "--pandagrid=OSG",
                                       "--pandaproject=atlas",
                                       "--pandaserverurl=https://h:25443/",
                                       "--pandaplugin=exec",
                                       "--pandapilottype=a,b",
                                       "--pandaloglevel=debug",
                                       "--pandaspecialcmd=module load osg",
                                       "--pandawrappertarballurl=http://h/t",
                                       "--extraopts=-x",
                                       "--extraopts=y z"};
  const auto o = parse_all(older);
  ASSERT_TRUE(o) << o.error().text();
  EXPECT_EQ(o->wms_queue, "S");
  EXPECT_EQ(o->batch_queue, "B");
  EXPECT_EQ(o->grid, "OSG");
  EXPECT_EQ(o->vo, "atlas");
  EXPECT_EQ(o->wms_url, "https://h:25443");
  EXPECT_EQ(o->code.types, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(o->level, Level::debug);
  EXPECT_EQ(o->code.arguments, (std::vector<std::string>{"-x", "y z"}));
}

TEST(WrapperOptions, WhatIsNotOursGoesToThePilotInItsOrder) {
  const auto o = parse({"--wrapperplugin", "exec", "-t", "--pilot-user", "generic", "--wrapperlabel", "user", "-w",
                        "a b", "--", "--wrapperlabel", "", "--"});
  ASSERT_TRUE(o) << o.error().text();
  EXPECT_EQ(o->label, "user");
  EXPECT_EQ(o->code.arguments,
            (std::vector<std::string>{"-t", "--pilot-user", "generic", "-w", "a b", "--wrapperlabel", "", "--"}));
}

TEST(WrapperOptions, UsageNamesThemAll) {
  EXPECT_THAT(usage(), HasSubstr("--wrappertokenfile FILE"));
  EXPECT_THAT(usage(), HasSubstr("--wrapperlifetime DURATION"));
  EXPECT_THAT(usage(), HasSubstr("\n  trivial "));
  EXPECT_THAT(usage(), HasSubstr("--pandasite is --wrapperwmsqueue"));
}

}  // namespace
}  // namespace apf::wrapper
