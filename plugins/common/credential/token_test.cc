#include "credential/token.h"

#include <gtest/gtest.h>

namespace apf::credential {
namespace {

TEST(Token, StaysOnThisMachineByThePlainNameOfIt) {
  for (const char* here : {"http://localhost", "http://localhost:25080/api", "http://127.0.0.1:1", "http://127.1.2.3/x",
                           "http://[::1]", "http://[::1]:80/"})
    EXPECT_TRUE(stays_here(here)) << here;
  for (const char* away :
       {"", "localhost", "http://", "http://h", "http://localhost.example.org", "http://127.example.org/x",
        "http://127.0.0.1.example.org", "http://127.0.0.1@h/", "http://localhost:x@h/", "http://[::1].example.org",
        "http://[::2]", "http://128.0.0.1", "http://h/localhost", "http://h?localhost", "http://0.0.0.0"})
    EXPECT_FALSE(stays_here(away)) << away;
}

TEST(Token, IsOneWord) {
  EXPECT_TRUE(is_token("eyJ.a-b_c"));
  for (const char* bad : {"", " ", "a b", "a\nb", "a\r\nX: y", "a\x7f"}) EXPECT_FALSE(is_token(bad)) << bad;
}

}  // namespace
}  // namespace apf::credential
