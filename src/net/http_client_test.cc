#include "net/http_client.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <thread>

#include "net/http_server.h"
#include "net/listen.h"
#include "net/test_socket.h"

namespace apf::net {
namespace {

// A listening socket without a server: connections succeed, nobody ever answers.
class Deaf {
 public:
  Deaf() : listening_(listen_tcp("127.0.0.1", 0)) {}
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(listening_->port) + "/"; }
  [[nodiscard]] int fd() const { return listening_->fd.get(); }

 private:
  Result<Listening> listening_;
};

// Answers one connection with fixed text and closes.
class Canned {
 public:
  explicit Canned(std::string text)
      : thread_([this, text = std::move(text)] {
          const int fd = ::accept(deaf_.fd(), nullptr, nullptr);
          if (fd < 0) return;
          std::array<char, 4096> request{};
          if (::recv(fd, request.data(), request.size(), 0) > 0) ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
          ::close(fd);
        }) {}
  Canned(const Canned&) = delete;
  Canned& operator=(const Canned&) = delete;
  ~Canned() { thread_.join(); }
  [[nodiscard]] std::string url() const { return deaf_.url(); }

 private:
  Deaf deaf_;
  std::thread thread_;
};

HttpRequest to(const std::string& url) {
  HttpRequest r;
  r.url = url;
  return r;
}
Result<HttpReply> go(const HttpRequest& r) { return fetch(r, mono_now() + seconds{20}); }

TEST(HttpClient, NobodyThereIsTransient) {
  std::string url;
  {
    const Deaf closed;
    url = closed.url();
  }
  auto reply = go(to(url + "secret?token=hush"));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, "net.connect_failed");
  EXPECT_EQ(reply.error().kind, Kind::transient);
  EXPECT_EQ(reply.error().text().find("hush"), std::string::npos) << "queries may hold secrets";
}

TEST(HttpClient, UnknownHostIsTransient) {
  auto reply = go(to("http://no-such-host.invalid/"));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, Kind::transient);
}

TEST(HttpClient, SilenceUntilTheDeadlineIsUncertain) {
  const Deaf deaf;
  auto reply = fetch(to(deaf.url()), mono_now() + milliseconds{100});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, "net.no_answer");
  EXPECT_EQ(reply.error().kind, Kind::uncertain);
}

TEST(HttpClient, APassedDeadlineSendsNothing) {
  const Deaf deaf;
  auto reply = fetch(to(deaf.url()), mono_now() - seconds{1});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, Kind::transient);
}

TEST(HttpClient, StopsWhenTold) {
  const Deaf deaf;
  std::atomic<bool> stop = false;
  auto reply = std::async(std::launch::async, [&] { return fetch(to(deaf.url()), mono_now() + seconds{600}, &stop); });
  const int fd = ::accept(deaf.fd(), nullptr, nullptr);  // the request is under way
  stop = true;
  auto got = reply.get();
  ::close(fd);
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().what.find("stops"), std::string::npos);
}

TEST(HttpClient, AHalfSentAnswerIsUncertain) {
  for (const char* text : {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nContent-L", "",
                           "not HTTP at all\r\n\r\n"}) {
    const Canned server(text);
    auto reply = go(to(server.url()));
    ASSERT_FALSE(reply) << text;
    EXPECT_EQ(reply.error().kind, Kind::uncertain) << reply.error().text();
  }
}

TEST(HttpClient, CapsBodiesAndHeaders) {
  const Canned body("HTTP/1.1 200 OK\r\n\r\n" + std::string(2000, 'x'));
  auto r = to(body.url());
  r.body_cap = 1999;
  auto reply = go(r);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, "net.body_too_long");
  EXPECT_EQ(reply.error().kind, Kind::permanent);

  const Canned exact("HTTP/1.1 200 OK\r\n\r\n" + std::string(2000, 'x'));
  r = to(exact.url());
  r.body_cap = 2000;
  EXPECT_TRUE(go(r));
}

TEST(HttpClient, StatusIsNoErrorAndHeadersAreOfTheLastAnswer) {
  const Canned server(
      "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n"
      "HTTP/1.1 503 Busy\r\nX-A:  spaced \r\nX-a: last\r\nContent-Length: 2\r\n\r\nno");
  auto reply = go(to(server.url()));
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_EQ(reply->status, 503);
  EXPECT_EQ(reply->body, "no");
  EXPECT_EQ(reply->headers.at("x-a"), "last");
  EXPECT_EQ(reply->headers.count("x-interim"), 0U);
}

TEST(HttpClient, RedirectsAreNotFollowed) {
  const Canned server("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  auto reply = go(to(server.url()));
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_EQ(reply->status, 302);
}

TEST(HttpClient, RefusesBadUrlsAndHeaders) {
  for (const char* url : {"", "file:///etc/passwd", "http://", "gopher://localhost/", "http://a b/"}) {
    auto reply = go(to(url));
    ASSERT_FALSE(reply) << url;
    EXPECT_EQ(reply.error().code, "net.bad_url") << url;
    EXPECT_EQ(reply.error().kind, Kind::config);
  }
  auto r = to("http://127.0.0.1:1/");
  r.headers = {{"X", "a\r\nEvil: 1"}};
  EXPECT_EQ(go(r).error().code, "net.bad_header");
}

TEST(HttpClient, MethodsBodiesAndEmptyHeadersArrive) {
  auto server = HttpServer::start({}, [](const Request& r, const ReplyPtr& reply) {
    Response response;
    response.body = r.method + "|" + r.body + "|" + (r.headers.contains("x-empty") ? "empty" : "none");
    reply->send(std::move(response));
  });
  ASSERT_TRUE(server);
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
    auto r = to("http://localhost:" + std::to_string((*server)->port()) + "/");
    r.url.replace(7, 9, "127.0.0.1");
    r.method = method;
    r.body = std::string("b\0dy", 4);
    r.headers = {{"X-Empty", ""}};
    auto reply = go(r);
    ASSERT_TRUE(reply) << reply.error().text();
    EXPECT_EQ(reply->body, std::string(method) + std::string("|b\0dy|empty", 11));
  }
}

TEST(HttpClient, ProxiesOfTheEnvironmentDontCatchLoopback) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);  // nobody there
  const Canned server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  auto reply = go(to(server.url()));
  ::unsetenv("http_proxy");
  EXPECT_TRUE(reply) << reply.error().text();
}

TEST(HttpClient, AnExplicitProxyIsUsed) {
  const Canned proxy("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy");
  auto r = to("http://wms.invalid/x");
  r.proxy = proxy.url();
  auto reply = go(r);
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_EQ(reply->body, "proxy");
}

}  // namespace
}  // namespace apf::net
