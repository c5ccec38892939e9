#include "wrapper/code/pilot_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <set>

namespace apf::wrapper {
namespace {

using testing::HasSubstr;

const std::string kHex(64, 'a');

TEST(Turn, IsExactOverAnyRunOfTheSum) {
  const std::vector<std::vector<std::int64_t>> cases{{50, 30, 20},         {99, 1},   {1},
                                                     {60, 10, 10, 10, 10}, {3, 0, 4}, {1, 1000}};
  for (const auto& weights : cases) {
    const std::int64_t sum = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
    for (const std::uint64_t start : {0ULL, 1ULL, 37ULL, 123456789012345ULL}) {
      std::vector<std::int64_t> counts(weights.size());
      for (std::int64_t i = 0; i < sum; ++i) ++counts[turn(weights, start + static_cast<std::uint64_t>(i))];
      EXPECT_EQ(counts, weights);
    }
  }
}

// The first n of a cycle differ from n times the share by less than one turn of each version.
TEST(Turn, IsSpread) {
  const std::vector<std::int64_t> weights{50, 30, 20};
  std::vector<double> counts(3);
  for (int n = 1; n <= 100; ++n) {
    counts[turn(weights, static_cast<std::uint64_t>(n) - 1)] += 1;
    for (std::size_t k = 0; k < 3; ++k) EXPECT_LT(std::abs(counts[k] - n * static_cast<double>(weights[k]) / 100), 1.0);
  }
}

TEST(Turn, IsTheFirstsWhereNobodyHasAWeight) {
  EXPECT_EQ(turn({}, 7), 0U);
  EXPECT_EQ(turn(std::vector<std::int64_t>{0, 0}, 7), 0U);
}

TEST(Position, IsThePilotsOwnAndNeighboursAreNeighbours) {
  EXPECT_EQ(position_of("q7-abc", 3), position_of("q7-abc", 3));
  EXPECT_NE(position_of("q7-abc", 0), position_of("q7-abd", 0));
  EXPECT_EQ(position_of("q7-abc", 9), position_of("q7-abc", 0) + 9);
}

TEST(Choose, ExactOverASubmissionAndReproducible) {
  const auto versions =
      read_pilots("p 1 50 none /a\np 2 30 none /b\np 3 20 none /c\np dev test none /d\nq 1 1 none /e\n");
  ASSERT_TRUE(versions) << versions.error().text();
  std::map<std::string, int> counts;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const PilotVersion* v = choose(*versions, "p", false, position_of("s-1", i));
    EXPECT_EQ(v, choose(*versions, "p", false, position_of("s-1", i)));
    ++counts[v->version];
  }
  EXPECT_EQ(counts, (std::map<std::string, int>{{"1", 50}, {"2", 30}, {"3", 20}}));
}

TEST(Choose, TestsTakeDevelopmentVersionsWhereThereAreAny) {
  const auto versions =
      read_pilots("p 1 1 none /a\np d1 test none /b\np d2 test none /c\nq 1 1 none /e\nr x 0 none /f");
  ASSERT_TRUE(versions);
  std::set<std::string> seen;
  for (std::uint64_t i = 0; i < 4; ++i) seen.insert(choose(*versions, "p", true, i)->version);
  EXPECT_EQ(seen, (std::set<std::string>{"d1", "d2"}));
  EXPECT_EQ(choose(*versions, "q", true, 0)->version, "1");
  EXPECT_EQ(choose(*versions, "r", false, 0), nullptr) << "a weight of 0 is nobody's turn";
  EXPECT_EQ(choose(*versions, "none", false, 0), nullptr);
}

TEST(PilotTable, ReadsChecksAndSources) {
  const auto versions =
      read_pilots("pilot3 3.11 99 sha256:" + std::string(64, 'A') +
                  " https://a/x.tar.gz,file:///b # comment\n"
                  "pilot3 3.12 1 ed25519:MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= /c\n");
  ASSERT_TRUE(versions) << versions.error().text();
  ASSERT_EQ(versions->size(), 2U);
  EXPECT_EQ((*versions)[0].sources[1].url, "file:///b");
  EXPECT_EQ((*versions)[0].sources[1].check, (Check{.how = Check::How::sha256, .value = kHex}));
  // The same key without the bytes that a PEM file puts before it (RFC 8032, test 1).
  EXPECT_EQ((*versions)[1].sources[0].check, *read_check("ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
  EXPECT_EQ((*versions)[1].sources[0].check.value.size(), 32U);
}

struct Bad {
  std::string text;
  const char* word;
};
class BadPilots : public testing::TestWithParam<Bad> {};
INSTANTIATE_TEST_SUITE_P(
    Cases, BadPilots,
    testing::Values(Bad{"p 1 1 none", "4 columns, not 5"}, Bad{"p 1 -1 none /a", "no weight"},
                    Bad{"p 1 50% none /a", "no weight"}, Bad{"p 1 100001 none /a", "no weight"},
                    Bad{"p 1 99999 none /a\np 2 2 none /a", "too large together"}, Bad{"p 1 1 md5:00 /a", "no check"},
                    Bad{"p 1 1 sha256:" + kHex + "0 /a", "no check"}, Bad{"p 1 1 ed25519:AAAA /a", "no check"},
                    Bad{"p 1 1 none a.tar.gz", "neither an address"}, Bad{"p 1 1 none ftp://h/a", "neither an address"},
                    Bad{"p 1 1 none /a,,/b", "neither an address"}));

TEST_P(BadPilots, SayWhereAndWhat) {
  const auto versions = read_pilots(GetParam().text);
  ASSERT_FALSE(versions);
  EXPECT_EQ(versions.error().code, "wrapper.bad_table");
  EXPECT_THAT(versions.error().text(), HasSubstr(GetParam().word));
  EXPECT_THAT(versions.error().where, HasSubstr("pilots.conf:"));
}

TEST(PilotsOfOptions, TheOriginalsForm) {
  CodeOptions o;
  o.code = "[a.tar.gz,/b],https://h/c";
  o.urls = "http://x/d,file:///e/";
  o.checksums = "[" + kHex + ",None],none";
  o.ratio = "99,1";
  const auto versions = pilots_of_options(o);
  ASSERT_TRUE(versions) << versions.error().text();
  ASSERT_EQ(versions->size(), 2U);
  const auto& first = (*versions)[0];
  ASSERT_EQ(first.sources.size(), 3U);
  EXPECT_EQ(first.sources[0].url, "http://x/d/a.tar.gz");
  EXPECT_EQ(first.sources[1].url, "file:///e/a.tar.gz");
  EXPECT_EQ(first.sources[2].url, "/b");
  EXPECT_EQ(first.sources[0].check.how, Check::How::sha256);
  EXPECT_EQ(first.sources[2].check.how, Check::How::none);
  EXPECT_EQ(first.weight, 99);
  EXPECT_EQ((*versions)[1].weight, 1);
}

struct BadOption {
  const char *code, *checksums, *ratio, *word;
};
class BadPilotOptions : public testing::TestWithParam<BadOption> {};
INSTANTIATE_TEST_SUITE_P(
    Cases, BadPilotOptions,
    testing::Values(BadOption{"[/a", "", "", "not of the form"}, BadOption{"/a,", "", "", "not of the form"},
                    BadOption{"[]", "", "", "not of the form"}, BadOption{"[/a]/b", "", "", "not of the form"},
                    BadOption{"a", "", "", "neither an address"}, BadOption{"/a,/b", "none", "", "as many groups"},
                    BadOption{"[/a,/b]", "none", "", "one check for each"}, BadOption{"/a", "0123", "", "no check"},
                    BadOption{"/a", "", "1,1", "as many weights"}, BadOption{"/a,/b", "", "1,x", "no list of weights"},
                    BadOption{"/a,/b", "", "0,0", "all weights are 0"}));

TEST_P(BadPilotOptions, AreRefused) {
  CodeOptions o;
  o.code = GetParam().code;
  o.checksums = GetParam().checksums;
  o.ratio = GetParam().ratio;
  const auto versions = pilots_of_options(o);
  ASSERT_FALSE(versions);
  EXPECT_EQ(versions.error().code, "wrapper.bad_option");
  EXPECT_THAT(versions.error().text(), HasSubstr(GetParam().word));
}

}  // namespace
}  // namespace apf::wrapper
