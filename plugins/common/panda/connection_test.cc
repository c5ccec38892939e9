// Routes and credentials, first with made-up answers, then over real sockets on loopback.
#include "panda/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/call_context.h"
#include "net/http_server.h"
#include "net/listen.h"
#include "support/fake_context.h"
#include "support/samples.h"

namespace apf::panda {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Options options(std::string url, const std::map<std::string, OptionValue>& more = {}) {
  Options o;
  o.set("url", std::move(url));
  o.set("return_after", Duration(seconds{300}));
  for (const auto& [name, value] : more) o.set(name, value);
  return o;
}
using List = std::vector<std::string>;
std::string text(const char* t) { return t; }

TEST(PandaAccess, RefusesWhatCannotWork) {
  const auto code = [](const Options& o) { return access_of(o).error().code; };
  for (const char* bad : {"", "panda.example.org", "http://", "ftp://x", "http://x?a=1"})
    EXPECT_EQ(code(options(bad)), "panda.bad_url") << bad;
  EXPECT_EQ(code(options("http://a", {{"fallback_urls", List{"b"}}})), "panda.bad_url");
  EXPECT_EQ(code(options("http://a", {{"fallback_urls", List{"http://a/"}}})), "panda.bad_url") << "twice";
  EXPECT_EQ(code(options("http://a", {{"proxies", List{"squid:3128"}}})), "panda.bad_proxy");
  EXPECT_EQ(code(options("http://panda.example.org", {{"token_file", text("t")}})), "panda.token_in_clear");
  EXPECT_EQ(code(options("http://127.0.0.1:1", {{"token_file", text("t")}, {"proxies", List{"http://squid:3128"}}})),
            "panda.token_in_clear")
      << "loopback, but not on this way";
  EXPECT_EQ(code(options("https://a", {{"token_file", text("t")}, {"fallback_urls", List{"http://b"}}})),
            "panda.token_in_clear");
  EXPECT_EQ(code(options("http://a", {{"cert", text("c")}})), "panda.cert_without_tls");
  EXPECT_EQ(code(options("https://a", {{"key", text("k")}})), "panda.key_without_cert");
}

TEST(PandaAccess, TakesWhatCanWork) {
  const auto a =
      access_of(options("https://panda.example.org/api/v1/",
                        {{"fallback_urls", List{"https://b/"}}, {"proxies", List{"http://s:3128", "direct"}}}));
  ASSERT_TRUE(a) << a.error().text();
  EXPECT_THAT(a->servers, ElementsAre("https://panda.example.org", "https://b"));
  EXPECT_THAT(a->proxies, ElementsAre("http://s:3128", ""));
  EXPECT_TRUE(access_of(options("http://[::1]:25080", {{"token_file", text("t")}})));
}

// Which routes answer, and which were tried.
struct Net {
  std::map<std::string, int> status;  // by "server proxy"; absent: no connection
  std::vector<std::string> tried;
  std::vector<Duration> patience;
  HttpRequest last;

  Result<HttpReply> operator()(const HttpRequest& r) {
    tried.push_back(r.url.substr(0, r.url.find("/x")) + " " + r.proxy);
    patience.push_back(r.timeout);
    last = r;
    const auto at = status.find(tried.back());
    if (at == status.end()) return fail(Kind::transient, "net.connect_failed", "nobody there", r.url);
    return HttpReply{at->second, "{}", {}};
  }
  std::vector<std::string> taken() { return std::exchange(tried, {}); }
};

class Routes : public testing::Test {
 protected:
  void SetUp() override {
    access.servers = {"https://a", "https://b"};
    context.on_http = std::ref(net);
  }
  Result<HttpReply> send(Connection& c) {
    Call call;
    call.path = "/x";
    return c.send(call, context);
  }
  Access access;
  Net net;
  tests::FakeContext context;
};

TEST_F(Routes, TheGoodOneIsRememberedAndThePreferredOneComesBack) {
  access.return_after = Duration{};
  Connection c(access);
  net.status = {{"https://b ", 200}};
  EXPECT_TRUE(send(c));
  EXPECT_THAT(net.taken(), ElementsAre("https://a ", "https://b "));
  EXPECT_EQ(c.server(), 1U);
  EXPECT_EQ(c.shown(), "https://b (https://a: nobody there)");
  EXPECT_TRUE(c.return_due());
  EXPECT_TRUE(send(c));
  EXPECT_THAT(net.taken(), ElementsAre("https://a ", "https://b ")) << "it is time to look again";
  EXPECT_LE(net.patience.at(2), Duration(seconds{10})) << "without much patience";
  net.status["https://a "] = 200;
  EXPECT_TRUE(send(c));
  EXPECT_THAT(net.taken(), ElementsAre("https://a "));
  EXPECT_EQ(c.shown(), "https://a");
  ASSERT_EQ(context.logged.size(), 2U);
  EXPECT_THAT(context.logged[0].second, HasSubstr("from now on https://b, since https://a fails"));
  EXPECT_THAT(context.logged[1].second, HasSubstr("back to https://a"));
}

TEST_F(Routes, BeforeItIsTimeThePreferredOneIsLeftAlone) {
  Connection c(access);
  net.status = {{"https://b ", 200}};
  EXPECT_TRUE(send(c));
  EXPECT_TRUE(send(c));
  EXPECT_THAT(net.taken(), ElementsAre("https://a ", "https://b ", "https://b "));
  EXPECT_FALSE(c.return_due());
}

TEST_F(Routes, ProxiesAreTriedBeforeOtherServers) {
  access.proxies = {"http://s1", "http://s2", ""};
  Connection c(access);
  net.status = {{"https://a http://s1", 503}, {"https://a http://s2", 504}, {"https://a ", 200}};
  EXPECT_TRUE(send(c));
  EXPECT_THAT(net.taken(), ElementsAre("https://a http://s1", "https://a http://s2", "https://a "));
  EXPECT_EQ(c.server(), 0U);
  EXPECT_EQ(c.shown(), "https://a (https://a by http://s1: HTTP status 503)");
}

TEST_F(Routes, WhenNobodyAnswersTheLastWordIsTold) {
  Connection c(access);
  net.status = {{"https://b ", 502}};
  const auto reply = send(c);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 502);
  EXPECT_EQ(c.server(), 0U);
  EXPECT_TRUE(context.logged.empty());
  net.status.clear();
  EXPECT_EQ(send(c).error().code, "net.connect_failed");
}

TEST_F(Routes, ARefusalIsAnAnswer) {
  Connection c(access);
  net.status = {{"https://a ", 403}};
  EXPECT_EQ(send(c)->status, 403);
  EXPECT_THAT(net.taken(), ElementsAre("https://a "));
}

TEST_F(Routes, TimeIsSharedAndALongCallStaysOnItsRoute) {
  access.servers.emplace_back("https://c");
  context.ends = mono_now() + seconds{30};
  Connection c(access);
  EXPECT_FALSE(send(c));
  ASSERT_EQ(net.patience.size(), 3U);
  EXPECT_LE(net.patience[0], Duration(seconds{10}));
  EXPECT_GT(net.patience[0], Duration(seconds{8}));
  EXPECT_GT(net.patience[2], Duration(seconds{20})) << "the last one gets what is left";
  net.taken();
  Call call;
  call.path = "/x";
  call.one_route = true;
  EXPECT_FALSE(c.send(call, context));
  EXPECT_THAT(net.taken(), ElementsAre("https://a "));
}

TEST_F(Routes, WhatMayHaveHadAnEffectMayBeSentAgain) {
  Connection c(access);
  context.on_http = [](const HttpRequest&) -> Result<HttpReply> {
    return fail(Kind::uncertain, "net.no_answer", "silence");
  };
  EXPECT_EQ(send(c).error().kind, Kind::transient);
}

TEST_F(Routes, TheTokenIsReadAtEachRequest) {
  access.token_file = "t";
  access.origin = "wlcg.production";
  Connection c(access);
  net.status = {{"https://a ", 200}};
  for (const char* token : {"first", "second"}) {
    context.credentials["t"] = token;
    ASSERT_TRUE(send(c));
    EXPECT_THAT(net.last.headers, ElementsAre(std::pair("Origin", "wlcg.production"),
                                              std::pair("Authorization", std::string("Bearer ") + token)));
  }
  for (const char* bad : {"", "two words", "line\nbreak"}) {
    context.credentials["t"] = bad;
    EXPECT_EQ(send(c).error().code, "panda.bad_token");
  }
  context.credentials.clear();
  EXPECT_EQ(send(c).error().code, "test.no_credential");
  EXPECT_EQ(net.taken().size(), 2U) << "nothing was sent without one";
}

TEST_F(Routes, AnEndedProxyIsSaidInWordsBeforeAnythingIsSent) {
  access.cert = "x509up";
  Connection c(access);
  context.credentials["x509up"] = "no certificate";
  const auto reply = send(c);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, "credential.unreadable");
  EXPECT_EQ(reply.error().where, "x509up");
  EXPECT_TRUE(net.tried.empty());
}

// ---- real sockets ----

class Sockets : public testing::Test {
 protected:
  static std::unique_ptr<net::HttpServer> serve(std::string body, std::vector<std::string>* asked = nullptr) {
    auto server =
        net::HttpServer::start({}, [body = std::move(body), asked](const net::Request& r, const net::ReplyPtr& reply) {
          if (asked != nullptr) asked->push_back(r.path);
          net::Response response;
          response.body = body;
          reply->send(std::move(response));
        });
    EXPECT_TRUE(server) << server.error().text();
    return std::move(*server);
  }
  static std::string url(std::uint16_t port) { return "http://127.0.0.1:" + std::to_string(port); }
  static Result<HttpReply> send(Connection& c, Duration within) {
    const auto context = engine::make_context("test", mono_now() + within, std::make_shared<engine::Stop>());
    Call call;
    call.path = "/api/v1/x";
    return c.send(call, *context);
  }
};

TEST_F(Sockets, OneThatIsSilentCostsItsShareAndNoMore) {
  const auto silent = net::listen_tcp("127.0.0.1", 0);  // connections succeed, nobody answers
  ASSERT_TRUE(silent);
  const auto alive = serve("alive");
  Access access;
  access.servers = {url(silent->port), url(alive->port())};
  Connection c(access);
  const auto first = send(c, seconds{2});
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_EQ(first->body, "alive");
  EXPECT_EQ(c.server(), 1U);
  EXPECT_THAT(c.shown(), HasSubstr("no answer before the deadline"));
}

TEST_F(Sockets, OneThatStopsIsLeftAndFoundAgain) {
  auto first = serve("first");
  const auto second = serve("second");
  const std::uint16_t port = first->port();
  Access access;
  access.servers = {url(port), url(second->port())};
  access.return_after = Duration{};
  Connection c(access);
  EXPECT_EQ(send(c, seconds{60})->body, "first");
  first->stop();
  first.reset();
  EXPECT_EQ(send(c, seconds{60})->body, "second");
  net::ServerOptions again;
  again.port = port;
  auto back = net::HttpServer::start(again, [](const net::Request&, const net::ReplyPtr& reply) {
    net::Response response;
    response.body = "back";
    reply->send(std::move(response));
  });
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(send(c, seconds{60})->body, "back");
}

TEST_F(Sockets, AnonymousReadsGoByTheProxyWhileItLives) {
  std::vector<std::string> asked;
  auto squid = serve("by proxy", &asked);
  const auto server = serve("direct");
  Access access;
  access.servers = {url(server->port())};
  access.proxies = {url(squid->port()), ""};
  Connection c(access);
  EXPECT_EQ(send(c, seconds{60})->body, "by proxy");
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_THAT(asked[0], testing::EndsWith("/api/v1/x"));
  squid->stop();
  squid.reset();
  EXPECT_EQ(send(c, seconds{60})->body, "direct");
}

}  // namespace
}  // namespace apf::panda
