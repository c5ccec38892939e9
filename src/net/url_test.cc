#include "net/url.h"

#include <gtest/gtest.h>

namespace apf::net {
namespace {

TEST(Url, IsReadAsItIsFetched) {
  const auto url = parse_url("HTTPS://Host.example.org/a/../b%2Fc?x=%20#f");
  ASSERT_TRUE(url) << url.error().text();
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "host.example.org");
  EXPECT_EQ(url->port, "443");
  EXPECT_EQ(url->path, "/b%2Fc");
  EXPECT_EQ(url->query, "x=%20");
  EXPECT_FALSE(url->user);
  EXPECT_EQ(parse_url("http://[2001:db8::1]:8080/")->host, "[2001:db8::1]");
  EXPECT_TRUE(parse_url("http://user@host/")->user);
  EXPECT_TRUE(parse_url("http://@host/")->user);
  EXPECT_FALSE(parse_url("http://host/a@b")->user);
}

TEST(Url, MustBeWhole) {
  for (const char* bad :
       {"", "host/path", "//host/path", "http://", "http:///path", "javascript:alert(1)", "http://a b/",
        "http://host/\r\nX: y", "http://host\\@other/", "http://host:99999/", "http://h\xC3\xB6st/"})
    EXPECT_FALSE(parse_url(bad)) << bad;
}

}  // namespace
}  // namespace apf::net
