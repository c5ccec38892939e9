#include "apf/loopback.h"

#include <gtest/gtest.h>

namespace apf {
namespace {

TEST(Loopback, UrlByThePlainNameOfThisMachine) {
  for (const char* here :
       {"http://localhost", "http://localhost:25080/api", "http://127.0.0.1:1", "http://127.1.2.3/x", "http://[::1]",
        "http://[::1]:80/", "smtp://localhost:25", "http://[::1]?x", "http://[::1]#x"})
    EXPECT_TRUE(is_loopback_url(here)) << here;
  for (const char* away : {"",
                           "localhost",
                           "http://",
                           "http://h",
                           "http://localhost.example.org",
                           "http://127.example.org/x",
                           "http://127.0.0.1.example.org",
                           "http://127.0.0.1@h/",
                           "http://localhost:x@h/",
                           "http://[::1].example.org",
                           "http://[::1]:80@h/",
                           "http://[::1]@h/",
                           "http://[::2]",
                           "http://[::1",
                           "http://128.0.0.1",
                           "http://h/localhost",
                           "http://h?localhost",
                           "http://0.0.0.0",
                           "http://h\\@localhost/",
                           "http://localhost\\.h/"})
    EXPECT_FALSE(is_loopback_url(away)) << away;
}

TEST(Loopback, Host) {
  for (const char* here : {"localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"})
    EXPECT_TRUE(is_loopback(here)) << here;
  for (const char* away : {"", "127.1", "127.0.0.1x", "::2", "[::1", "example.org", "127.0.0.1.example.org", "0.0.0.0",
                           "10.0.0.1", "128.0.0.1", "::"})
    EXPECT_FALSE(is_loopback(away)) << away;
}

}  // namespace
}  // namespace apf
