#include "net/http_message.h"

#include <gtest/gtest.h>

#include <vector>

#include "net/http_client.h"

namespace apf::net {
namespace {

TEST(Percent, RoundTripsAllBytes) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_encode("a b/ü&"), "a%20b%2F%C3%BC%26");
  EXPECT_EQ(percent_encode("a-b_c.d~e/f g%"), "a-b_c.d~e%2Ff%20g%25");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
}

TEST(Percent, RefusesBrokenEscapes) {
  for (const char* text : {"%", "%4", "%g0", "%0g", "a%", "%%41"}) {
    auto decoded = percent_decode(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, "net.bad_escape");
  }
}

struct TargetCase {
  const char* target;
  const char* path;  // null: refused
  std::multimap<std::string, std::string> query;
};
TEST(Target, IsSplitAndDecoded) {
  const std::vector<TargetCase> cases{
      {"/", "/", {}},
      {"/a%20b/c", "/a b/c", {}},
      {"/a+b", "/a+b", {}},
      {"/%2e%2e/x", "/../x", {}},
      {"/q?", "/q", {}},
      {"/q?x=1&y=a+b%26&x=2&flag&=v", "/q", {{"x", "1"}, {"x", "2"}, {"y", "a b&"}, {"flag", ""}, {"", "v"}}},
      {"/q?a=b=c#frag", "/q", {{"a", "b=c"}}},
      {"http://host:1/p?k=v", "/p", {{"k", "v"}}},
      {"http://host", "/", {}},
      {"*", nullptr, {}},
      {"", nullptr, {}},
      {"a/b", nullptr, {}},
      {"/%zz", nullptr, {}},
      {"/a%00b", nullptr, {}},
      {"/q?x=%", nullptr, {}},
  };
  for (const auto& c : cases) {
    auto target = parse_target(c.target);
    ASSERT_EQ(target.has_value(), c.path != nullptr) << c.target;
    if (!target) {
      EXPECT_EQ(target.error().code, "net.bad_request");
      continue;
    }
    EXPECT_EQ(target->path, c.path);
    EXPECT_EQ(target->query, c.query) << c.target;
  }
}

struct RangeCase {
  const char* header;
  std::uint64_t size;
  Slice::Kind kind;
  std::uint64_t first, length;
};
TEST(Range, FollowsTheStandard) {
  using enum Slice::Kind;
  const std::vector<RangeCase> cases{
      {"bytes=0-99", 1000, part, 0, 100},
      {"bytes=0-0", 1000, part, 0, 1},
      {"bytes=900-", 1000, part, 900, 100},
      {"bytes=900-5000", 1000, part, 900, 100},
      {"bytes=-1", 1000, part, 999, 1},
      {"bytes=-5000", 1000, part, 0, 1000},
      {"bytes=1000-", 1000, unsatisfiable, 0, 0},
      {"bytes=-0", 1000, unsatisfiable, 0, 0},
      {"bytes=0-", 0, unsatisfiable, 0, 0},
      {"bytes=-5", 0, unsatisfiable, 0, 0},
      {"bytes=0-1,5-6", 1000, whole, 0, 1000},
      {"bytes=5-4", 1000, whole, 0, 1000},
      {"bytes=a-b", 1000, whole, 0, 1000},
      {"bytes=-", 1000, whole, 0, 1000},
      {"bytes=--1", 1000, whole, 0, 1000},
      {"bytes=+1-2", 1000, whole, 0, 1000},
      {"bytes=99999999999999999999-", 1000, whole, 0, 1000},
      {"lines=1-2", 1000, whole, 0, 1000},
      {"", 1000, whole, 0, 1000},
  };
  for (const auto& c : cases) {
    const auto slice = parse_range(c.header, c.size);
    EXPECT_EQ(slice.kind, c.kind) << c.header;
    EXPECT_EQ(slice.first, c.first) << c.header;
    EXPECT_EQ(slice.length, c.length) << c.header;
  }
}

TEST(HttpDate, RoundTripsAndIsStrict) {
  EXPECT_EQ(http_date(Wall{784111777'000}), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const std::int64_t s : {0L, 951782400L, 1'790'000'000L, 4'102'444'799L}) {
    EXPECT_EQ(parse_http_date(http_date(Wall{s * 1000})), Wall{s * 1000});
  }
  for (const char* bad :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 08-49-37 GMT", "Sun, 06 Nov +994 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(bad)) << bad;
  }
}

TEST(ETag, MatchesListsWeakly) {
  EXPECT_TRUE(matches_etag("\"a\"", "\"a\""));
  EXPECT_TRUE(matches_etag("\"x\", W/\"a\" ,\"y\"", "\"a\""));
  EXPECT_TRUE(matches_etag("*", "\"a\""));
  EXPECT_FALSE(matches_etag("\"b\",", "\"a\""));
  EXPECT_FALSE(matches_etag("", "\"a\""));
  EXPECT_FALSE(matches_etag(",", ""));
}

TEST(ResponseHead, KeepsValuesOnTheirLine) {
  EXPECT_EQ(response_head(200, {{"X", "a\r\nEvil: 1"}}), "HTTP/1.1 200 OK\r\nX: a  Evil: 1\r\n\r\n");
  EXPECT_EQ(response_head(299, {}), "HTTP/1.1 299 Status\r\n\r\n");
}

}  // namespace
}  // namespace apf::net
