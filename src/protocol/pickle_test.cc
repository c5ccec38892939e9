#include "protocol/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/samples.h"

namespace apf::protocol {
namespace {

using json_value::Json;
using testing::HasSubstr;

Json read(std::string_view text) {
  const auto got = read_pickle(text, "x");
  EXPECT_TRUE(got) << got.error().text();
  return got ? *got : Json("failed");
}

TEST(Pickle, ReadsWhatRealServersAnswer) {
  EXPECT_EQ(read(tests::panda_sample("v0610_legacy_http.txt", "getJobStatisticsPerSite")), Json::object());
  EXPECT_EQ(read(tests::panda_sample("v0610_legacy_active.txt", "getJobStatisticsPerSite")),
            Json::parse(R"({"LAB_GRID":{"activated":9,"assigned":0,"running":0}})"));
  EXPECT_EQ(read(tests::panda_sample("v0610_legacy_active.txt", "getJobStatisticsForBamboo")),
            Json::parse(R"({"WORLD":{"test":{"activated":"5","failed":3}}})"));
}

TEST(Pickle, ReadsEveryKindOfValue) {
  const std::vector<std::pair<std::string, const char*>> all = {
      {"I1\n", "1"},
      {"I-7\n", "-7"},
      {"L8L\n", "8"},
      {"F2.5\n", "2.5"},
      {"I01\n", "true"},
      {"I00\n", "false"},
      {"N", "null"},
      {"Vab\n", R"("ab")"},
      {"S'it'\n", R"("it")"},
      {"(I1\nI2\nt", "[1,2]"},
      {"(dVa\nI1\ns", R"({"a":1})"},
      {"(Va\nI1\nd", R"({"a":1})"},
      {"(dI5\nVa\ns", R"({"5":"a"})"},
      {"cdecimal\nDecimal\n(V12\ntR", R"("12")"},
      {"cos\nsystem\n(Vrm -r\ntR", "null"},
      {"Vx\\u00e9\\U0001f600\xe9\\n\n", "\"x\xc3\xa9\xf0\x9f\x98\x80\xc3\xa9\\\\n\""},
      {"V\\ud800\\u12\n", "\"\xef\xbf\xbd\\\\u12\""}};
  for (const auto& [text, json] : all) EXPECT_EQ(read("(l" + text + "a."), Json::array({Json::parse(json)})) << text;
}

TEST(Pickle, TextsOfTheMemoAreRepeatedContainersAreNot) {
  EXPECT_EQ(read("(lp0\nVab\np1\nag1\na(lp2\nag2\nag0\na."), Json::parse(R"(["ab","ab",[],null,null])"));
}

struct Wrong {
  const char* text;
  const char* says;
};
class PickleNonsense : public testing::TestWithParam<Wrong> {};

TEST_P(PickleNonsense, IsRefusedWithWords) {
  const auto got = read_pickle(GetParam().text, "x.y");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, "x.y");
  EXPECT_EQ(got.error().kind, Kind::transient);
  EXPECT_THAT(got.error().what, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(Texts, PickleNonsense,
                         testing::Values(Wrong{"", "an empty reply"}, Wrong{"<html>", "an HTML"},
                                         Wrong{R"({"success":true})", "got JSON"}, Wrong{"ERROR : forbidden", "'ERROR"},
                                         Wrong{"(dp0\nVx", "breaks off"}, Wrong{"(dp0\n", "breaks off"},
                                         Wrong{"(d", "breaks off"}, Wrong{"(d(d.", "left over"},
                                         Wrong{"(.", "left over"}, Wrong{"(dVx\ns.", "byte 5"},
                                         Wrong{"(dI1\nI2\nI3\ns.", "byte 11"}, Wrong{"(VI\nd.", "no pickle"},
                                         Wrong{"(lg7\na.", "byte 2"}, Wrong{"(lI1e5\na.", "no pickle"},
                                         Wrong{"(lFnan\na.", "no pickle"}, Wrong{"(l\x80.", "breaks off"},
                                         Wrong{"(lI99999999999999999999\na.", "no pickle"},
                                         Wrong{"(d(lI1\ns.", "no pickle"}, Wrong{"(R.", "no pickle"}));

TEST(Pickle, BombsAreRefused) {
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "(l";
  EXPECT_THAT(read_pickle(deep, "x").error().what, HasSubstr("byte"));
  std::string wide = "(lV" + std::string(1U << 20U, 'a') + "\np1\na";
  for (int i = 0; i < 100; ++i) wide += "g1\na";
  EXPECT_THAT(read_pickle(wide + ".", "x").error().what, HasSubstr("repeats more than is sensible"));
}

}  // namespace
}  // namespace apf::protocol
