#include "credential/token.h"

#include <gtest/gtest.h>

namespace apf::credential {
namespace {

TEST(Token, IsOneWord) {
  EXPECT_TRUE(is_token("eyJ.a-b_c"));
  for (const char* bad : {"", " ", "a b", "a\nb", "a\r\nX: y", "a\x7f"}) EXPECT_FALSE(is_token(bad)) << bad;
}

}  // namespace
}  // namespace apf::credential
