#include "wrapper/code/lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace apf::wrapper {
namespace {

using testing::HasSubstr;

constexpr const char* kTable = R"(
# SITE     QUEUE    GRID  PROJECT  PLUGIN   PILOTTYPE
*          *        *     *        generic  -         # all others
*          *        *     atlas    panda    pilot3
BNL_*      *        *     *        panda    pilot3,pilot3-old
BNL_TEST   *        *     *        trivial  -
BNL_*      gpu      *     *        exec     gpu
BNL_*      *        OSG   atlas    exec     osg
*_LONG     *        *     *        exec     long
B*_LO*NG   *        *     *        exec     longer
)";

struct Case {
  std::array<std::string, 4> here;
  const char* line;  // "": no row
};
class LookUp : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Cases, LookUp,
                         testing::Values(Case{{"X", "", "", ""}, "3"}, Case{{"X", "gpu", "OSG", "atlas"}, "4"},
                                         Case{{"BNL_1", "cpu", "", "cms"}, "5"},
                                         Case{{"BNL_TEST", "cpu", "", "cms"}, "6"},
                                         // a whole word beats a part; two whole words beat one
                                         Case{{"BNL_1", "cpu", "", "atlas"}, "4"},
                                         Case{{"BNL_1", "gpu", "", "cms"}, "7"},
                                         Case{{"BNL_1", "cpu", "OSG", "atlas"}, "8"},
                                         // the same columns: further left first, then the longer text, then the order
                                         Case{{"BNL_TEST", "gpu", "", "cms"}, "7"}, Case{{"X_LONG", "", "", ""}, "9"},
                                         Case{{"B_LONG", "", "", ""}, "10"}));

TEST_P(LookUp, TheMostSpecificRowWins) {
  const auto rows = read_lookup(kTable);
  ASSERT_TRUE(rows) << rows.error().text();
  const LookupRow* row = look_up(*rows, GetParam().here);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->line, std::string("lookup.conf:") + GetParam().line);
}

TEST(LookUpTable, AnEmptyOneFitsNobody) {
  const auto rows = read_lookup("# nothing\n\n");
  ASSERT_TRUE(rows);
  EXPECT_EQ(look_up(*rows, {"a", "b", "c", "d"}), nullptr);
}

TEST(LookUpTable, GivesListsOfPilotTypes) {
  const auto rows = read_lookup(kTable);
  ASSERT_TRUE(rows);
  EXPECT_EQ(look_up(*rows, {"BNL_1", "", "", ""})->pilot_types, (std::vector<std::string>{"pilot3", "pilot3-old"}));
  EXPECT_TRUE(look_up(*rows, {"X", "", "", ""})->pilot_types.empty());
}

struct Star {
  const char *pattern, *text;
  bool fits;
};
class Stars : public testing::TestWithParam<Star> {};
INSTANTIATE_TEST_SUITE_P(Cases, Stars,
                         testing::Values(Star{"*", "", true}, Star{"*", "x", true}, Star{"", "", true},
                                         Star{"", "x", false}, Star{"a", "a", true}, Star{"a", "ab", false},
                                         Star{"a*", "ab", true}, Star{"*b", "ab", true}, Star{"*b", "aba", false},
                                         Star{"a*a", "a", false}, Star{"a*a", "aa", true},
                                         Star{"*ab*ab*", "xabyab", true}, Star{"*ab*ab*", "xabyb", false},
                                         Star{"a**b", "ab", true}, Star{"*ana", "banana", true}));

TEST_P(Stars, StandForAnything) { EXPECT_EQ(matches(GetParam().pattern, GetParam().text), GetParam().fits); }

struct Bad {
  const char *row, *word;
};
class BadTables : public testing::TestWithParam<Bad> {};
INSTANTIATE_TEST_SUITE_P(Cases, BadTables,
                         testing::Values(Bad{"a b c d generic", "5 columns, not 6"}, Bad{"a b c d e f", "plug-in 'e'"},
                                         Bad{"a b c d exec x,,y", "no list of pilot types"},
                                         Bad{"a b c d exec -\na b c d trivial -", "stands in lookup.conf:1 already"},
                                         Bad{"a b c d exec \x01", "no text"}));

TEST_P(BadTables, SayWhereAndWhat) {
  const auto rows = read_lookup(GetParam().row);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, "wrapper.bad_table");
  EXPECT_THAT(rows.error().text(), HasSubstr(GetParam().word));
  EXPECT_THAT(rows.error().where, HasSubstr("lookup.conf:"));
}

}  // namespace
}  // namespace apf::wrapper
