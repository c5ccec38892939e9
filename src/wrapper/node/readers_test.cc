// What checks read of outside things: credentials, HTTP heads, scripts' output, meminfo.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wrapper/node/keep_slot.h"
#include "wrapper/node/lifetime.h"
#include "wrapper/node/memory.h"
#include "wrapper/node/remote.h"
#include "wrapper/node/script.h"

namespace apf::wrapper::node {
namespace {

using testing::HasSubstr;

// Made by openssl, notAfter Nov 24 09:50:53 2026.
constexpr const char* kCertificate = R"(-----BEGIN CERTIFICATE-----
MIIBaTCCAQ6gAwIBAgIBBzAKBggqhkjOPQQDAjATMREwDwYDVQQDDAhhcGYtdGVz
dDAeFw0yNjExMjIwOTUwNTNaFw0yNjExMjQwOTUwNTNaMBMxETAPBgNVBAMMCGFw
Zi10ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE5wqaLZiQNzmVnHQ44f4x
ytDuraIkm4d5cPlWWRl1jxu6oZRtEOvh9ydio3chXuOk9Yumd0p1pzHrQCGI0wv2
0qNTMFEwHQYDVR0OBBYEFMdBJ0HzYTu2DO4J7uA6XUE19yRrMB8GA1UdIwQYMBaA
FMdBJ0HzYTu2DO4J7uA6XUE19yRrMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0E
AwIDSQAwRgIhAIisj8opWA1X1B7ndSFOkfDPv1omTrGg0leNC18Zj52nAiEAyX7A
19VfM/0yZ/aXotoGkyh0Y9ck6xnFl8AL0pkz/L8=
-----END CERTIFICATE-----
)";

TEST(Lifetime, OfAProxyIsThatOfItsFirstCertificateToEnd) {
  const std::string c = kCertificate;
  ASSERT_TRUE(proxy_ends(c));
  EXPECT_EQ(iso8601(*proxy_ends(c)), "2026-11-24T09:50:53Z");
  EXPECT_EQ(proxy_ends("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + c + c), proxy_ends(c));
}

TEST(Lifetime, WhatIsNoCertificateTellsNothing) {
  const std::string c = kCertificate;
  EXPECT_FALSE(proxy_ends(""));
  EXPECT_FALSE(proxy_ends(c.substr(0, c.size() - 30))) << "its end is missing";
  std::string bent = c;
  bent[30] = '#';
  EXPECT_FALSE(proxy_ends(bent));
  for (std::size_t n = 40; n < 300; n += 13)  // cut off in the middle of what it holds
    EXPECT_FALSE(proxy_ends(c.substr(0, n) + "\n-----END CERTIFICATE-----")) << n;
}

TEST(Lifetime, OfATokenIsItsClaim) {
  // {"alg":"none"} . {"exp":1795000000} . x
  EXPECT_EQ(token_ends("eyJhbGciOiJub25lIn0.eyJleHAiOjE3OTUwMDAwMDB9.x"), Wall{1795000000000});
  for (const char* other : {"", "opaque", "a.b.c", "eyJ.e30.x", "a.eyJleHAiOiJzb29uIn0.c", "a.eyJleHAiOi01fQ.c"})
    EXPECT_FALSE(token_ends(other)) << other;
}

TEST(Lifetime, Asn1TimesOfBothForms) {
  EXPECT_EQ(iso8601(*read_asn1_time("491231235959Z", false)), "2049-12-31T23:59:59Z");
  EXPECT_EQ(iso8601(*read_asn1_time("500101000000Z", false)), "1950-01-01T00:00:00Z");
  EXPECT_EQ(iso8601(*read_asn1_time("20500101000000Z", true)), "2050-01-01T00:00:00Z");
  for (const char* bad : {"", "261122093000", "261322093000Z", "260230093000Z", "2611220930aaZ", "261122253000Z"})
    EXPECT_FALSE(read_asn1_time(bad, false)) << bad;
}

TEST(Remote, DatesOfHttp) {
  EXPECT_EQ(iso8601(*read_http_date("Sun, 06 Nov 1994 08:49:37 GMT")), "1994-11-06T08:49:37Z");
  for (const char* bad : {"", "Sun, 06 Nov 1994 08:49:37", "Sunday, 06-Nov-94 08:49:37 GMT",
                          "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Xov 1994 08:49:37 GMT"})
    EXPECT_FALSE(read_http_date(bad)) << bad;
}

TEST(Remote, TheLastHeadCounts) {
  const auto h = read_head(
      "HTTP/1.1 200 Connection established\r\nDate: Sun, 06 Nov 1994 00:00:00 GMT\r\n\r\n"
      "HTTP/2 405 \r\ndATE:Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: x\r\n\r\n\n405");
  ASSERT_TRUE(h);
  EXPECT_EQ(h->status, 405);
  EXPECT_EQ(iso8601(*h->date), "1994-11-06T08:49:37Z");
  EXPECT_FALSE(read_head("HTTP/1.1 200 OK\r\n\r\n\n000"));
  EXPECT_FALSE(read_head("200"));
  EXPECT_FALSE(read_head("x\n20x"));
  EXPECT_FALSE(read_head("HTTP/1.1 200 OK\r\nDate: now\r\n\r\n\n200")->date);
}

Duration ahead_of(std::int64_t asked, std::int64_t answered, std::int64_t date) {
  return ahead({.status = 200, .date = Wall{date}, .asked = Wall{asked}, .answered = Wall{answered}});
}

TEST(Remote, OnlyWhatTheRequestCannotExplainIsADifference) {
  EXPECT_EQ(ahead_of(100'500, 101'500, 100'000), Duration::zero());
  EXPECT_EQ(ahead_of(100'999, 130'000, 100'000), Duration::zero()) << "a slow answer";
  EXPECT_EQ(ahead_of(100'999, 101'000, 101'000), Duration::zero());
  EXPECT_EQ(ahead_of(400'000, 400'100, 100'000), milliseconds{299'000}) << "we are ahead";
  EXPECT_EQ(ahead_of(100'000, 100'100, 400'000), milliseconds{-299'900}) << "we are behind";
  EXPECT_LT(ahead_of(0, 0, 253'402'300'799'000), -seconds{3'000'000'000}) << "by eight thousand years";
}

struct Said {
  int exit_code;
  const char* out;
  State state;
  const char* text;
  const char* failure;
  int rc;
};
class Script : public testing::TestWithParam<Said> {};
INSTANTIATE_TEST_SUITE_P(
    Cases, Script,
    testing::Values(Said{0, "", State::ok, "", "", 64}, Said{0, "all fine\n", State::ok, "", "", 64},
                    Said{3, "", State::failed, "exit code 3", "", 64}, Said{-1, "", State::failed, "signal", "", 64},
                    Said{0, R"({"status":"ok","text":"v3 there"})", State::ok, "v3 there", "", 64},
                    Said{0, "noise\n{\"status\":\"warning\",\"text\":\"old\"}\n", State::warning, "old", "", 64},
                    Said{0, R"({"status":"failed","class":"soft ware","text":"no v3"})", State::failed, "no v3",
                         "soft_ware", 64},
                    Said{1, R"({"status":"ok"})", State::failed, "exit code 1", "", 64},
                    Said{1, R"({"fault":"credential","text":"no role"})", State::failed, "no role", "", 68},
                    Said{1, R"({"fault":"wms"})", State::failed, "exit code 1", "", 79},
                    Said{1, R"({"fault":"configuration"})", State::failed, "exit code 1", "", 2},
                    Said{0, R"({"status":)", State::warning, "can't be read", "", 64},
                    Said{1, R"({"status":)", State::failed, "exit code 1", "", 64},
                    Said{0, R"({"status":7,"text":["x"],"class":{}})", State::ok, "", "", 64},
                    Said{0, "{\n \"status\": \"failed\",\n \"text\": \"a\\nb\"\n}\n", State::failed, "a b", "", 64}));

TEST_P(Script, IsRead) {
  const Said& s = GetParam();
  const Finding f = read_script(s.exit_code, s.out);
  EXPECT_EQ(f.state, s.state);
  EXPECT_THAT(f.text, HasSubstr(s.text));
  EXPECT_EQ(f.failure, s.failure);
  EXPECT_EQ(f.rc, s.rc);
}

TEST(Memory, IsReadOldAndNew) {
  EXPECT_EQ(read_meminfo("MemTotal: 4 kB\nMemFree: 1 kB\nMemAvailable: 2 kB\nCached: 9 kB\n").available, 2048);
  EXPECT_EQ(read_meminfo("MemTotal: 4 kB\nMemFree: 1 kB\nBuffers: 1 kB\nCached: 1 kB\n").available, 3072);
  EXPECT_EQ(read_meminfo("garbage\n\n: 3\nMemTotal: -1 kB").total, 0);
}

TEST(Memory, TheCgroupMayLeaveLess) {
  const Memory node{.total = 1000, .available = 500};
  EXPECT_EQ(memory_left(node, {})->bytes, 500);
  EXPECT_EQ(memory_left(node, {.memory = 400, .in_use = 100})->bytes, 300);
  EXPECT_EQ(memory_left(node, {.memory = 400, .in_use = 390})->bytes, 100) << "much of it may be cache";
  EXPECT_EQ(memory_left(node, {.memory = 4000, .in_use = 100})->bytes, 500);
  EXPECT_FALSE(memory_left({}, {}));
}

TEST(KeptSlot, IsJittered) {
  EXPECT_EQ(jittered(seconds{1200}, 0), seconds{900});
  EXPECT_EQ(jittered(seconds{1200}, 1), seconds{1500});
  const double r = random_share();
  EXPECT_TRUE(r >= 0 && r < 1) << r;
}

}  // namespace
}  // namespace apf::wrapper::node
