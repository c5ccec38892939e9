#include "config/suggest.h"

#include <gtest/gtest.h>

namespace apf::config {
namespace {

TEST(Distance, CountsEdits) {
  EXPECT_EQ(distance("", ""), 0U);
  EXPECT_EQ(distance("abc", ""), 3U);
  EXPECT_EQ(distance("", "abc"), 3U);
  EXPECT_EQ(distance("interval", "interval"), 0U);
  EXPECT_EQ(distance("intervall", "interval"), 1U);
  EXPECT_EQ(distance("raedy", "ready"), 1U);  // swapped neighbours are one edit
  EXPECT_EQ(distance("kitten", "sitting"), 3U);
}

TEST(Suggest, NamesTheNearest) {
  EXPECT_EQ(suggest("intervall", {"interval", "max_age"}), "did you mean 'interval'?");
  EXPECT_EQ(suggest("MAXPENDNG", {"maxpending", "minpending"}), "did you mean 'maxpending'?");
}

TEST(Suggest, ListsAFewWhenNothingIsNear) {
  EXPECT_EQ(suggest("zebra", {"wms", "batch"}), "known: wms, batch");
  EXPECT_EQ(suggest("zebra", {}), "");
  EXPECT_EQ(suggest(std::string(100'000, 'x'), {"wms"}), "known: wms");
  const std::vector<std::string_view> many(20, "word");
  EXPECT_EQ(suggest("zebra", many), "");
}

}  // namespace
}  // namespace apf::config
