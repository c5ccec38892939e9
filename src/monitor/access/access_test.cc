#include "monitor/access/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "config/options_table.h"
#include "support/directory.h"

namespace apf::monitor {
namespace {

net::Request request(const std::string& method, const std::string& path, const std::string& peer,
                     std::map<std::string, std::string> headers = {}) {
  net::Request r;
  r.method = method;
  r.path = path;
  r.peer = peer;
  r.headers = std::move(headers);
  return r;
}

Result<std::unique_ptr<Access>> open(const std::string& toml, const std::string& tokens = "/nowhere/tokens") {
  auto o = config::options_from_toml(access_options(), Scope::source, toml);
  if (!o) return fail(o.error());
  return Access::open(*o, tokens);
}

// 0: it may go on.
int status(Access& access, const net::Request& r) {
  const auto refused = access.refuse(r, Mono{1'000'000'000});
  return refused ? refused->status : 0;
}

TEST(Networks, HoldWhatIsInThem) {
  const std::vector<std::string> texts = {"10.1.0.0/16", "192.0.2.7", "2001:db8::/33", "::1"};
  const auto n = Networks::read(texts, "x");
  ASSERT_TRUE(n) << n.error().text();
  for (const char* in : {"10.1.255.3", "192.0.2.7", "::ffff:10.1.2.3", "2001:db8:7fff::1", "::1"})
    EXPECT_TRUE(n->holds(in)) << in;
  for (const char* out : {"10.2.0.1", "192.0.2.8", "2001:db8:8000::1", "::2", "", "localhost", "unix:0", "10.1.2.3 "})
    EXPECT_FALSE(n->holds(out)) << out;
  const std::vector<std::string> all = {"0.0.0.0/0"};
  EXPECT_TRUE(Networks::read(all, "x")->holds("198.51.100.1"));
  EXPECT_FALSE(Networks::read(all, "x")->holds("2001:db8::1"));
  for (const std::string bad :
       {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8", "::/129", "a/8", "10.0.0.0/8x"}) {
    const std::vector<std::string> one = {bad};
    EXPECT_EQ(Networks::read(one, "x").error().code, "access.bad_network") << bad;
  }
}

TEST(Access, NewsWithoutATokenComeFromNamedNetworksOnly) {
  const auto a = open("open = [\"192.0.2.0/24\"]");
  ASSERT_TRUE(a) << a.error().text();
  EXPECT_EQ(status(**a, request("POST", "/api/jobs/f:1", "192.0.2.9")), 0);
  EXPECT_EQ(status(**a, request("POST", "/api/jobs/f:1", "198.51.100.1")), 401);
  EXPECT_EQ(status(**a, request("PUT", "/api/factories/f", "127.0.0.1")), 401);
  EXPECT_EQ(status(**a, request("GET", "/api/factories", "198.51.100.1")), 0);
  EXPECT_EQ(status(**a, request("DELETE", "/api/factories/f", "198.51.100.1")), 401);
  EXPECT_EQ((*a)->stats().refused, 3);
}

TEST(Access, LoopbackIsOpenUnlessSomethingStandsBetween) {
  const auto a = open("");
  ASSERT_TRUE(a) << a.error().text();
  EXPECT_EQ(status(**a, request("POST", "/api/jobs/f:1", "127.0.0.1")), 0);
  EXPECT_EQ(status(**a, request("POST", "/api/jobs/f:1", "::1")), 0);
  for (const char* sign : {"x-forwarded-for", "forwarded", "via"})
    EXPECT_EQ(status(**a, request("POST", "/api/jobs/f:1", "127.0.0.1", {{sign, "127.0.0.1"}})), 401) << sign;
}

TEST(Access, LoopbackIsOpenByItsOwnNamesOnly) {
  const auto a = open("proxies = [\"127.0.0.2\"]");
  const auto at = [](const std::string& host, const char* peer = "127.0.0.1") {
    return request("POST", "/api/jobs/f:1", peer, {{"host", host}});
  };
  std::array<char, 256> own{};
  ASSERT_EQ(::gethostname(own.data(), own.size() - 1), 0);
  const std::string name = own.data();
  for (const auto& here : {std::string("127.0.0.1:25580"), std::string("localhost"), std::string("[::1]:25580"), name,
                           name + ":25580", name.substr(0, name.find('.'))})
    EXPECT_EQ(status(**a, at(here)), 0) << here;
  for (const char* other : {"evil.example.org", "evil.example.org:25580", "127.0.0.1.example.org", "[::1", "[::2]:80"})
    EXPECT_EQ(status(**a, at(other)), 401) << other;
  auto forwarded = at("apfmon.example.org", "127.0.0.2");
  forwarded.headers["x-forwarded-for"] = "127.0.0.1";
  EXPECT_EQ(status(**a, forwarded), 0) << "a proxy that is named";
  const auto b = open("open = [\"192.0.2.0/24\"]");
  EXPECT_EQ(status(**b, at("apfmon.example.org", "192.0.2.9")), 0);
}

TEST(Access, PagesOfOtherSitesTellNothing) {
  const auto a = open("");
  const auto from = [](const char* origin) {
    return request("POST", "/api/jobs/f:1", "127.0.0.1", {{"origin", origin}, {"host", "127.0.0.1:25580"}});
  };
  EXPECT_EQ(status(**a, from("http://evil.example.org")), 403);
  EXPECT_EQ(status(**a, from("null")), 403);
  EXPECT_EQ(status(**a, from("http://127.0.0.1:25580")), 0);
}

TEST(Access, BelievesProxiesThatAreNamed) {
  const auto a = open("open = [\"192.0.2.0/24\"]\nproxies = [\"10.0.0.1\", \"10.0.0.2\"]");
  ASSERT_TRUE(a) << a.error().text();
  const auto address = [&](const char* peer, const char* forwarded) {
    return (*a)->caller(request("GET", "/", peer, {{"x-forwarded-for", forwarded}})).address;
  };
  EXPECT_EQ(address("10.0.0.1", "192.0.2.9"), "192.0.2.9");
  EXPECT_EQ(address("10.0.0.1", "192.0.2.9, 198.51.100.1"), "198.51.100.1") << "the client may say what it likes";
  EXPECT_EQ(address("10.0.0.1", "198.51.100.1 , 10.0.0.2"), "198.51.100.1");
  EXPECT_EQ(address("10.0.0.1", "10.0.0.2,10.0.0.1"), "10.0.0.2");
  EXPECT_EQ(address("10.0.0.1", ""), "10.0.0.1");
  EXPECT_EQ(address("10.0.0.1", "192.0.2.9, <script>"), "10.0.0.1");
  EXPECT_EQ(address("10.0.0.3", "192.0.2.9"), "10.0.0.3");
  EXPECT_EQ(status(**a, request("POST", "/api/jobs/f:1", "10.0.0.1", {{"x-forwarded-for", "192.0.2.9"}})), 0);
  EXPECT_EQ(status(**a, request("POST", "/api/jobs/f:1", "10.0.0.1", {{"x-forwarded-for", "198.51.100.1"}})), 401);
  EXPECT_EQ(status(**a, request("POST", "/api/jobs/f:1", "10.0.0.1")), 401);
}

TEST(Access, TokensSpeakForTheirFactoryOrForAll) {
  const tests::Directory dir;
  const std::string file = dir.file("tokens");
  const std::string factory = *create_token(file, TokenKind::factory, "lab", Wall{1});
  const std::string admin = *create_token(file, TokenKind::admin, "joe", Wall{2});
  const auto a = open("", file);
  ASSERT_TRUE(a) << a.error().text();
  const auto with = [](const std::string& token, const char* path) {
    return request("POST", path, "198.51.100.1", {{"authorization", "Bearer " + token}});
  };
  EXPECT_EQ(status(**a, with(factory, "/api/jobs/lab:1")), 0);
  EXPECT_EQ(status(**a, with(factory, "/api/v1/alarms/mute")), 403);
  EXPECT_EQ(status(**a, with(admin, "/api/v1/alarms/mute")), 0);
  EXPECT_EQ(status(**a, with("0" + factory.substr(1) + "x", "/api/jobs/lab:1")), 401);
  EXPECT_EQ(status(**a, request("POST", "/api/v1/alarms/mute", "127.0.0.1")), 401) << "an open network gives no orders";
  EXPECT_EQ(status(**a, request("GET", "/", "127.0.0.1", {{"authorization", "Basic eDp5"}})), 401);
  const Caller who = (*a)->caller(with(factory, "/"));
  EXPECT_TRUE(who.may_tell("lab"));
  EXPECT_FALSE(who.may_tell("other"));
  EXPECT_TRUE((*a)->caller(with(admin, "/")).may_tell("other"));
  EXPECT_FALSE((*a)->caller(with("wrong", "/")).may_tell("lab"));
}

TEST(Access, LimitsStrangers) {
  const auto a = open("rate = 1");
  const auto get = [](const char* peer) { return request("GET", "/", peer); };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(status(**a, get("198.51.100.1")), 0) << i;
  const auto refused = (*a)->refuse(get("198.51.100.1"), Mono{1'000'000'000});
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->headers.at("Retry-After"), "1");
  EXPECT_EQ(status(**a, get("198.51.100.2")), 0);
  EXPECT_FALSE((*a)->refuse(get("198.51.100.1"), Mono{2'000'000'000}));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(status(**a, get("127.0.0.1")), 0);
  EXPECT_EQ((*a)->stats().limited, 1);
}

TEST(RateLimit, ForgetsWhoWasQuietLongest) {
  RateLimit limit(1, 1, 3);
  const Mono t{1'000'000'000};
  for (const char* address : {"a", "b", "c"}) EXPECT_TRUE(limit.allow(address, t));
  EXPECT_FALSE(limit.allow("a", t));  // now b was quiet longest
  EXPECT_TRUE(limit.allow("d", t));
  EXPECT_EQ(limit.size(), 3U);
  EXPECT_FALSE(limit.allow("a", t));
  EXPECT_TRUE(limit.allow("b", t)) << "it was forgotten";
}

}  // namespace
}  // namespace apf::monitor
