// Rows of condor_q and condor_history; cases/views.txt, read by plugin_test.cc, has recorded ones.
#include "view.h"

#include <gtest/gtest.h>

namespace apf::batch_htcondor {
namespace {

TEST(HtcondorViews, TellTimesAndUsage) {
  const auto ended = read(
      "26\t0\t4\t1\t1795308121\t1795308122\t1795308140\t3\t0\tfalse\t\"s\"\t\"i1\"\t\"Q\"\t0\tfalse\tundefined\tundefin"
      "ed\t\"s@"
      "n\"\tundefined\t18.0\t1.5\t"
      "0.25\n",
      Listing::history, "i1");
  ASSERT_TRUE(ended) << ended.error().text();
  const PilotSeen& p = ended->at(0);
  EXPECT_EQ(p.submitted.ms, 1795308121000);
  EXPECT_EQ(p.started.ms, 1795308122000);
  EXPECT_EQ(p.ended.ms, 1795308140000);
  EXPECT_FLOAT_EQ(p.wall_s, 18.0F);
  EXPECT_FLOAT_EQ(p.cpu_s, 1.75F);
}

TEST(HtcondorViews, TellHoldsApart) {
  const auto held = read(
      "3\t0\t5\t1\t1\t1\t1\t3\t0\tfalse\t\"s\"\t\"i1\"\t\"Q\"\tundefined\tfalse\t1\t0\t\"s@n\"\t\"by me\"\n"
      "3\t1\t5\t1\t1\t1\t1\t3\t1\tfalse\t\"s\"\t\"i1\"\t\"Q\"\tundefined\tfalse\t34\t0\t\"s@n\"\t\"memory\"\n"
      "3\t2\t2\t1\t1\t1\t1\t3\t2\tfalse\t\"s\"\t\"i1\"\t\"Q\"\tundefined\tfalse\t34\t0\t\"s@n\"\tundefined\n",
      Listing::queue, "i1");
  ASSERT_TRUE(held) << held.error().text();
  EXPECT_EQ(held->at(0).hold, HoldKind::people);
  EXPECT_EQ(held->at(1).hold, HoldKind::permanent);
  EXPECT_EQ(held->at(2).hold, HoldKind::none);
}

}  // namespace
}  // namespace apf::batch_htcondor
