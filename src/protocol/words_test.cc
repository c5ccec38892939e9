#include "protocol/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace apf::protocol {
namespace {

using testing::ElementsAre;

TEST(Words, SplitLikeAShell) {
  EXPECT_THAT(*split_words("  a  b\tc\n"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(*split_words(R"('a b' "c \" \d" e\ f '')"), ElementsAre("a b", "c \" \\d", "e f", ""));
  EXPECT_TRUE(split_words("")->empty());
  EXPECT_EQ(split_words("'a").error().code, "words.open_quote");
  EXPECT_EQ(split_words("a\\").error().code, "words.open_quote");
}

TEST(Words, JoinedWordsSplitIntoTheSame) {
  const std::vector<std::string> odd = {"plain", "", "it's", "a b", "\"", "\\", "$HOME", "new\nline", "ümlaut"};
  EXPECT_EQ(*split_words(join_words(odd)), odd);
  EXPECT_EQ(join_words(std::vector<std::string>{"-n", "10", "a=b"}), "-n 10 a=b");
}

}  // namespace
}  // namespace apf::protocol
