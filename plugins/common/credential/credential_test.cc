// Proxies in tests/data/credential are real ones; tokens are made here, since nobody verifies their signature.
#include "credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "voms.h"

namespace apf::credential {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string data(const std::string& name) {
  std::ifstream in(std::string(APF_SOURCE_DIR) + "/tests/data/credential/" + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string base64url(const std::string& text) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    unsigned v = 0;
    const std::size_t n = std::min<std::size_t>(3, text.size() - i);
    for (std::size_t k = 0; k < 3; ++k) v = v << 8U | (k < n ? static_cast<unsigned char>(text[i + k]) : 0U);
    for (std::size_t k = 0; k <= n; ++k) out += kDigits[v >> (18 - 6 * k) & 63U];
  }
  return out;
}
std::string token(const std::string& claims) {
  return base64url(R"({"alg":"ES256"})") + "." + base64url(claims) + ".c2ln";
}

constexpr Wall kNow{1'795'320'000'000};                     // 2026-11-22T04:00:00Z
constexpr std::int64_t kProxyEnds = 1'795'664'867'000;      // 2026-11-26T03:47:47Z
constexpr std::int64_t kAttributesEnd = 1'795'492'066'000;  // 48 h earlier

std::string verdict(const Credential& c, const Expected& e, Wall now = kNow) {
  const Status s = check(c, e, now);
  return s ? "good" : s.error().code + ": " + s.error().what;
}

TEST(Credential, AVomsProxyTellsItsEndItsOwnerAndItsAttributes) {
  const auto c = read(data("voms_proxy.pem"));
  ASSERT_TRUE(c) << c.error().text();
  EXPECT_EQ(c->type, Type::proxy);
  EXPECT_EQ(c->ends.ms, kProxyEnds) << iso8601(c->ends);
  EXPECT_EQ(c->identity, "/O=Example/CN=Pilot Robot");
  EXPECT_THAT(c->fqans, ElementsAre("/apf/Role=pilot/Capability=NULL", "/apf/Role=NULL/Capability=NULL"));
  EXPECT_NEAR(static_cast<double>(c->attributes_end.ms), static_cast<double>(kAttributesEnd), 120'000)
      << iso8601(c->attributes_end);
}

TEST(Credential, ProxiesAreHeldAgainstWhatIsExpected) {
  const auto c = read(data("voms_proxy.pem"));
  ASSERT_TRUE(c);
  const Duration day = seconds{86400};
  EXPECT_EQ(verdict(*c, {}), "good");
  EXPECT_EQ(verdict(*c, {.fqan = "/apf/Role=pilot", .min_life = day}), "good");
  EXPECT_EQ(verdict(*c, {.fqan = "/apf", .min_life = day}), "good");
  EXPECT_EQ(verdict(*c, {.fqan = "/apf/Role=NULL/Capability=NULL"}), "good");
  EXPECT_THAT(
      verdict(*c, {.fqan = "/apf/Role=production"}),
      HasSubstr("credential.fqan: the proxy lacks the VOMS attribute /apf/Role=production; it has: /apf/Role=pilot"));
  EXPECT_THAT(verdict(*c, {.min_life = 5 * day}),
              HasSubstr("credential.too_short: the proxy ends at 2026-11-26T03:47:47Z, in 3 d 23 h; pilots need 5 d"));
  EXPECT_THAT(verdict(*c, {.fqan = "/apf", .min_life = 3 * day}), HasSubstr("the proxy's VOMS attribute ends at"));
  EXPECT_THAT(verdict(*c, {}, Wall{kProxyEnds + 1}), HasSubstr("credential.too_short: the proxy ended at"));
  EXPECT_THAT(verdict(*c, {}, Wall{kNow.ms - 86'400'000}), HasSubstr("credential.too_early"));
  EXPECT_THAT(verdict(*c, {.audience = "x"}), HasSubstr("credential.type"));
}

TEST(Credential, ACertificateIsACredentialToo) {
  const auto c = read(data("robot.pem"));
  ASSERT_TRUE(c) << c.error().text();
  EXPECT_EQ(c->identity, "/O=Example/CN=Pilot Robot");
  EXPECT_TRUE(c->fqans.empty());
  EXPECT_THAT(verdict(*c, {.fqan = "/apf"}), HasSubstr("it has: none"));
}

TEST(Credential, AKeyMustBeThereAndFit) {
  const std::string robot = data("robot.pem"), proxy = data("voms_proxy.pem");
  const std::size_t key = robot.find("-----BEGIN PRIVATE");
  ASSERT_NE(key, std::string::npos);
  const auto words = [](const std::string& text) {
    const auto c = read(text);
    return c ? "good" : c.error().code + ": " + c.error().what;
  };
  EXPECT_THAT(words(robot.substr(0, key)), HasSubstr("credential.unreadable: holds no private key"));
  EXPECT_THAT(words(robot.substr(key)), HasSubstr("holds no certificate"));
  const std::string first = proxy.substr(0, proxy.find("-----END CERTIFICATE-----") + 26);
  EXPECT_THAT(words(first + robot.substr(key)), HasSubstr("a private key of another certificate"));
  EXPECT_THAT(words(""), HasSubstr("is empty"));
  EXPECT_THAT(words("-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n"), HasSubstr("no certificate"));
}

TEST(Credential, TokensTellTheirClaims) {
  const auto c = read("\n" +
                      token(R"({"exp":1795323600,"nbf":1795310000,"iss":"https://i.x/","sub":"robot",)"
                            R"("aud":["https://a.x","b"],"scope":"compute.create compute.read"})") +
                      "\n");
  ASSERT_TRUE(c) << c.error().text();
  EXPECT_EQ(c->type, Type::token);
  EXPECT_EQ(c->ends.ms, 1'795'323'600'000);
  EXPECT_EQ(c->issuer, "https://i.x/");
  EXPECT_EQ(c->identity, "robot");
  EXPECT_THAT(c->audiences, ElementsAre("https://a.x", "b"));
  EXPECT_EQ(verdict(*c, {.audience = "b", .issuer = "https://i.x/", .scope = "compute.read compute.create"}), "good");
  EXPECT_THAT(verdict(*c, {.audience = "c"}),
              HasSubstr("credential.audience: the token is not for c; its audience: https://a.x, b"));
  EXPECT_THAT(verdict(*c, {.issuer = "https://j.x/"}), HasSubstr("credential.issuer"));
  EXPECT_THAT(verdict(*c, {.scope = "compute"}), HasSubstr("credential.scope"));
  EXPECT_THAT(verdict(*c, {.fqan = "/apf"}), HasSubstr("credential.type"));
  EXPECT_THAT(verdict(*c, {.min_life = seconds{7200}}),
              HasSubstr("ends at 2026-11-22T05:00:00Z, in 1 h; pilots need 2 h"));
}

TEST(Credential, ATokenWithoutEndNeverEnds) {
  const auto c = read(token(R"({"aud":"one"})"));
  ASSERT_TRUE(c);
  EXPECT_EQ(verdict(*c, {.audience = "one", .min_life = seconds{9'000'000}}), "good");
  for (const char* far : {R"({"exp":253402300799})", R"({"exp":12000000000})"}) {  // the years 9999 and 2350
    const auto late = read(token(far));
    ASSERT_TRUE(late) << far;
    EXPECT_EQ(verdict(*late, {.min_life = seconds{9'000'000}}), "good") << far;
  }
}

TEST(Credential, WhatIsNoTokenIsUnreadable) {
  for (const std::string& bad :
       {std::string("hello"), std::string("a.b"), std::string("a.b.c.d"), std::string("a.!!.c"), token("[1]"),
        token("{\"exp\":"), token(R"({"exp":"soon"})"), token(R"({"exp":-1})"), token(R"({"exp":1e300})")}) {
    const auto c = read(bad);
    ASSERT_FALSE(c) << bad;
    EXPECT_EQ(c.error().code, "credential.unreadable");
    EXPECT_EQ(c.error().kind, Kind::transient);
  }
}

TEST(Credential, TimesOfAttributesAreReadStrictly) {
  EXPECT_EQ(generalized_time("20261124034746Z").ms, kAttributesEnd);
  for (const char* bad :
       {"", "20261124034747", "2026112403474Z7", "20261324034747Z", "20261100034747Z", "a0261124034747Z"})
    EXPECT_EQ(generalized_time(bad).ms, 0) << bad;
}

}  // namespace
}  // namespace apf::credential
