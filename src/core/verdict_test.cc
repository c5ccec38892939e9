#include "core/verdict.h"

#include <gtest/gtest.h>

namespace apf::core {
namespace {

struct Case {
  const char* what;
  Ending end;
  Verdict want;
};

constexpr auto kDone = PilotState::done, kFailed = PilotState::failed;

// state, exit code, payloads, seconds, our wrapper
const Case kCases[]{
    {"did its work", {kDone, 0, 3, 900, true}, Verdict::good},
    {"a short payload is still work", {kDone, 0, 1, 4, true}, Verdict::good},
    {"no work", {kDone, 0, 0, 4, true}, Verdict::empty},
    {"no work, after it had waited", {kDone, 0, 0, 900, true}, Verdict::empty},
    {"told nothing, but was long enough", {kDone, 0, -1, 900, true}, Verdict::good},
    {"told nothing and was short", {kDone, 0, -1, 4, true}, Verdict::empty},
    {"failed validation", {kDone, 64, 0, 1, true}, Verdict::bad},
    {"fault of the wrapper, late", {kDone, 1, 2, 5000, true}, Verdict::bad},
    {"wrong options", {kDone, 2, 0, 1, true}, Verdict::fault},
    {"no credential", {kDone, 68, 0, 1, true}, Verdict::fault},
    {"no WMS", {kDone, 79, 0, 121, true}, Verdict::fault},
    {"no work, told by its exit code", {kDone, 82, -1, 900, true}, Verdict::empty},
    {"all its payloads failed", {kDone, 65, -1, 5, true}, Verdict::good},
    {"told to end by a signal, late", {kDone, 143, 1, 900, true}, Verdict::none},
    {"told to end by a signal at once", {kDone, 143, 0, 2, true}, Verdict::bad},
    {"killed at once", {kFailed, -1, -1, 2, true}, Verdict::bad},
    {"killed late", {kFailed, -1, 1, 900, true}, Verdict::none},
    {"another program's exit code is perhaps its payload's", {kDone, 64, -1, 900, false}, Verdict::none},
    {"unless it can't have run one", {kDone, 64, -1, 3, false}, Verdict::bad},
    {"lost its slot at once", {kFailed, -1, -1, 2, true, true}, Verdict::evicted},
    {"lost its slot late", {kFailed, -1, 1, 900, true, true}, Verdict::none},
    {"removed", {PilotState::removed, -1, -1, 3, true}, Verdict::none},
    {"never started", {kFailed, -1, -1, -1, true}, Verdict::none},
};

TEST(Verdict, OfEachKindOfEnd) {
  for (const auto& c : kCases) EXPECT_EQ(judge(c.end, seconds{120}), c.want) << c.what;
}

TEST(Verdict, TimeAloneSaysNothingWhereTheQueueSaysSo) {
  EXPECT_EQ(judge({kFailed, -1, -1, 2, true}, Duration{}), Verdict::none);
  EXPECT_EQ(judge({kDone, 64, 0, 2, true}, Duration{}), Verdict::bad);
}

TEST(Verdict, NamesTheCheckThatFailed) {
  Ending e{kDone, 64, 0, 1, true, false, "cvmfs"};
  EXPECT_STREQ(meaning(e, Verdict::bad), "failed validation: CVMFS does not answer (exit code 64)");
  e.failure = "of-a-script";
  EXPECT_STREQ(meaning(e, Verdict::bad), "failed validation (exit code 64)");
}

TEST(Verdict, CodesThatOnlyTellAreNoFailureOfThePilot) {
  EXPECT_TRUE(well(-1, true) && well(0, true) && well(65, true) && well(82, true));
  EXPECT_FALSE(well(64, true) || well(1, true) || well(65, false) || well(82, false));
}

// Exit codes above 0 that the wrapper does not use may be its payload's in other programs: never held against anyone.
TEST(Verdict, NoExitCodeOfAPayloadCounts) {
  for (int code = 1; code < 256; ++code)
    EXPECT_EQ(judge({kDone, code, 1, 600, false}, seconds{120}), Verdict::none) << code;
}

}  // namespace
}  // namespace apf::core
