// The server with TLS: who a client is, who is turned away, and that nothing else changes.
#include "net/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <thread>

#include "support/http_server_fixture.h"
#include "support/test_ca.h"

namespace apf::net {
namespace {

using test::RawClient;
using testing::HasSubstr;
using tests::Identity;
using tests::TestCa;

TlsOptions files(const std::string& certificate, const std::string& key = "", const std::string& client_ca = "") {
  TlsOptions o;
  o.certificate = certificate;
  o.key = key;
  o.client_ca = client_ca;
  return o;
}

class TlsTest : public test::ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    ca_ = std::make_unique<TestCa>((directory_ / "ca").string());
    server_id_ = ca_->server();
  }
  [[nodiscard]] ServerOptions tls(const std::string& client_ca) const {
    ServerOptions o;
    o.tls.certificate = server_id_.file;
    o.tls.client_ca = client_ca;
    return o;
  }
  // Answers with who asked.
  void serve_who(const std::string& client_ca) {
    serve(
        [](const Request& r, const ReplyPtr& reply) {
          Response response;
          response.body = std::string(r.secure ? "secure:" : "plain:") + r.client;
          reply->send(std::move(response));
        },
        tls(client_ca));
  }
  HttpRequest over_tls(const Identity* who = nullptr, const std::string& path = "/") {
    HttpRequest r = request(path);
    r.url.replace(0, 4, "https");
    r.ca_file = ca_->file();
    if (who != nullptr) r.client_cert = r.client_key = who->file;
    return r;
  }
  std::string who(const Identity* id) { return get(over_tls(id)).body; }
  bool turned_away(const Identity& id) { return !fetch(over_tls(&id), mono_now() + seconds{30}); }

  std::unique_ptr<TestCa> ca_;
  Identity server_id_;
};

TEST_F(TlsTest, AClientIsItsCertificateAndAProxyIsWhoMadeIt) {
  serve_who(ca_->file());
  EXPECT_EQ(who(nullptr), "secure:") << "a certificate is not asked of everybody: there are tokens";
  const Identity robot = ca_->client({{"DC", "org"}, {"OU", "Robots"}, {"CN", "Robot: Pilot Factory"}});
  EXPECT_EQ(who(&robot), "secure:/DC=org/OU=Robots/CN=Robot: Pilot Factory");
  const Identity proxy = ca_->proxy(robot);
  EXPECT_EQ(who(&proxy), "secure:/DC=org/OU=Robots/CN=Robot: Pilot Factory");
  const Identity second = ca_->proxy(proxy);
  EXPECT_EQ(who(&second), "secure:/DC=org/OU=Robots/CN=Robot: Pilot Factory") << "a proxy of a proxy";
}

TEST_F(TlsTest, NoNameCanLookLikeAnother) {
  serve_who(ca_->file());
  const Identity sly = ca_->client({{"CN", "x/CN=Robot"}});
  EXPECT_EQ(who(&sly), "secure:/CN=x\\/CN=Robot");
  const Identity lines = ca_->client({{"CN", "a\nb\\"}});
  EXPECT_EQ(who(&lines), "secure:/CN=a\\x0Ab\\\\");
}

TEST_F(TlsTest, BadCertificatesAreTurnedAway) {
  serve_who(ca_->file());
  TestCa other((directory_ / "other").string(), "Other CA");
  TestCa twin((directory_ / "twin").string());  // of the same name as ours
  EXPECT_TRUE(turned_away(other.client({{"CN", "a"}})));
  EXPECT_TRUE(turned_away(twin.client({{"CN", "a"}})));
  EXPECT_TRUE(turned_away(ca_->client({{"CN", "a"}}, -60))) << "its time is over";
  EXPECT_TRUE(turned_away(ca_->server())) << "it is for servers";
  const Identity a = ca_->client({{"CN", "a"}});
  Identity forged = other.proxy(a);
  EXPECT_FALSE(turned_away(forged)) << "signed by the key of 'a': where it was made does not matter";
  forged.file =
      other.issue({{"CN", "a"}, {"CN", "1"}}, {{NID_proxyCertInfo, "critical,language:id-ppl-inheritAll"}}).file;
  EXPECT_TRUE(turned_away(forged)) << "a proxy that a CA signed is none";
  EXPECT_EQ(who(&a), "secure:/CN=a");
}

TEST_F(TlsTest, RevocationListsAreHeededWhereThereAreAny) {
  const Identity good = ca_->client({{"CN", "good"}});
  const Identity lost = ca_->client({{"CN", "lost"}});
  serve_who(ca_->hashed("without", {}, false));
  EXPECT_EQ(who(&lost), "secure:/CN=lost");
  server_.reset();
  serve_who(ca_->hashed("with", {&lost}, true));
  EXPECT_EQ(who(&good), "secure:/CN=good");
  EXPECT_TRUE(turned_away(lost));
  EXPECT_TRUE(turned_away(ca_->proxy(lost)));
}

TEST_F(TlsTest, WithoutClientCaNobodyIsAnybody) {
  serve_who("");
  const Identity robot = ca_->client({{"CN", "Robot"}});
  EXPECT_EQ(who(&robot), "secure:");
}

TEST_F(TlsTest, AClientThatDoesNotKnowOurCaGoesAway) {
  serve_who(ca_->file());
  const TestCa other((directory_ / "other").string(), "Other CA");
  HttpRequest r = over_tls();
  r.ca_file = other.file();
  const auto reply = fetch(r, mono_now() + seconds{30});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, "net.connect_failed");
}

TEST_F(TlsTest, LongBodiesAndLateAnswersPass) {
  std::promise<ReplyPtr> held;
  serve(
      [&](const Request& r, ReplyPtr reply) {
        if (r.path == "/late") return held.set_value(std::move(reply));
        Response response;
        response.body = r.body + r.body;
        reply->send(std::move(response));
      },
      tls(""));
  auto r = over_tls();
  r.method = "POST";
  r.body = std::string(3'000'000, 'b');
  EXPECT_EQ(get(r).body.size(), 6'000'000U);
  auto late = std::async(std::launch::async, [&] { return get(over_tls(nullptr, "/late")).body; });
  auto reply = held.get_future().get();
  Response now;
  now.body = "now";
  reply->send(std::move(now));
  EXPECT_EQ(late.get(), "now");
}

TEST_F(TlsTest, AHandlerSeesThatItsClientHungUp) {
  std::promise<ReplyPtr> held;
  serve([&](const Request&, ReplyPtr reply) { held.set_value(std::move(reply)); }, tls(""));
  std::atomic<bool> stop = false;
  std::thread client([&] { (void)fetch(over_tls(), mono_now() + seconds{60}, &stop); });
  auto reply = held.get_future().get();
  EXPECT_FALSE(reply->closed());
  stop = true;
  client.join();
  const Mono until = mono_now() + seconds{30};
  while (!reply->closed() && mono_now() < until) std::this_thread::yield();
  EXPECT_TRUE(reply->closed());
}

TEST_F(TlsTest, WhoSpeaksNoTlsIsCutOff) {
  ServerOptions o = tls("");
  o.idle_timeout = milliseconds{300};
  serve_echo(o);
  EXPECT_EQ(raw("GET / HTTP/1.1\r\nHost: h\r\n\r\n").find("HTTP/"), std::string::npos);
  EXPECT_EQ(RawClient(server_->port()).read_all(), "") << "who says nothing at all, too";
  const RawClient open(server_->port());
  EXPECT_EQ(get(over_tls()).status, 200) << "and keeps nobody from being served";
  server_->stop();
}

TEST_F(TlsTest, RenewedFilesAreUsedAndBrokenOnesAreNot) {
  ServerOptions o = tls("");
  o.tls.reread = Duration{};
  std::promise<std::string> complaint;
  std::atomic<int> complaints = 0;
  o.complain = [&](const std::string& text) {
    if (complaints++ == 0) complaint.set_value(text);
  };
  serve_echo(o);
  EXPECT_EQ(get(over_tls()).status, 200);
  TestCa next((directory_ / "next").string(), "Next CA");
  std::filesystem::copy_file(next.server().file, server_id_.file, std::filesystem::copy_options::overwrite_existing);
  HttpRequest r = over_tls();
  r.ca_file = next.file();
  EXPECT_EQ(get(r).status, 200) << "the certificate of the next CA";
  std::ofstream(server_id_.file) << "half a certi";
  EXPECT_EQ(get(r).status, 200) << "the one of before stays in use";
  EXPECT_THAT(complaint.get_future().get(), HasSubstr(server_id_.file));
}

TEST_F(TlsTest, FilesThatAreNoGoodAreNamed) {
  const auto code_and_words = [&](const TlsOptions& o) {
    const auto made = make_tls(o);
    EXPECT_FALSE(made);
    return made ? "" : made.error().code + ": " + made.error().text();
  };
  const std::string good = server_id_.file;
  const std::string text = (directory_ / "text").string();
  std::ofstream(text) << "no certificate\n";
  ::chmod(text.c_str(), 0600);
  EXPECT_TRUE(make_tls(files(good)));
  EXPECT_TRUE(make_tls(files(good, good, ca_->file())));
  EXPECT_THAT(code_and_words(files("/none", "", "")), HasSubstr("/none"));
  EXPECT_THAT(code_and_words(files(text, "", "")), HasSubstr("no certificate in PEM"));
  EXPECT_THAT(code_and_words(files(good, text, "")), HasSubstr("no private key that fits"));
  EXPECT_THAT(code_and_words(files(good, ca_->client({{"CN", "a"}}).file)), HasSubstr("no private key that fits"));
  EXPECT_THAT(code_and_words(files(good, "", text)), HasSubstr("no CA certificate"));
  ::chmod(good.c_str(), 0644);
  EXPECT_THAT(code_and_words(files(good, "", "")), HasSubstr("everybody may read"));
  const auto server = HttpServer::start(tls(""), [](const Request&, const ReplyPtr&) {});
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, "net.bad_tls");
}

}  // namespace
}  // namespace apf::net
