#include "net/http_server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "support/http_server_fixture.h"

namespace apf::net {
namespace {

namespace fs = std::filesystem;
using test::RawClient;
using test::ServerTest;

TEST_F(ServerTest, AnswersWithBodyAndHeaders) {
  serve([](const Request& r, const ReplyPtr& reply) {
    Response response;
    response.status = 201;
    response.body = r.query.find("x")->second + r.headers.at("x-test") + r.peer;
    response.headers["X-Answer"] = "yes";
    reply->send(std::move(response));
    reply->send({});  // one-shot: ignored
  });
  auto r = request("/p%61th?x=1%202");
  r.method = "POST";
  r.body = std::string(3'000'000, 'b');
  r.headers = {{"X-Test", "/h/"}};
  const auto reply = get(r);
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body, "1 2/h/127.0.0.1");
  EXPECT_EQ(reply.headers.at("x-answer"), "yes");
  EXPECT_EQ(reply.headers.at("content-type"), "application/json");
  EXPECT_EQ(reply.headers.at("x-content-type-options"), "nosniff");
}

TEST_F(ServerTest, KeepsConnectionsAndAnswersInOrder) {
  serve_echo();
  const auto answers =
      raw("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
          "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
          "HEAD /3 HTTP/1.1\r\nHost: h\r\n\r\n"
          "GET /4 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const auto one = answers.find("GET /1 "), two = answers.find("POST /2 abc"), four = answers.find("GET /4 ");
  ASSERT_NE(one, std::string::npos) << answers;
  ASSERT_NE(two, std::string::npos) << answers;
  ASSERT_NE(four, std::string::npos) << answers;
  EXPECT_LT(one, two);
  EXPECT_LT(two, four);
  EXPECT_EQ(answers.find("GET /3"), std::string::npos) << "HEAD has no body";
  EXPECT_NE(answers.find("Connection: close"), std::string::npos);
}

TEST_F(ServerTest, Http10ClosesByDefault) {
  serve_echo();
  EXPECT_NE(raw("GET /old HTTP/1.0\r\n\r\n").find("GET /old"), std::string::npos);
}

TEST_F(ServerTest, ReadsChunkedBodiesAndExpect) {
  serve_echo();
  const auto answer = raw(
      "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
      "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("POST /c abcdefg"), std::string::npos);
}

struct Malformed {
  std::string text, status;
};
TEST_F(ServerTest, RefusesWhatIsMalformedOrTooLong) {
  ServerOptions options;
  options.body_limit = 1000;
  options.header_limit = 2000;
  serve_echo(options);
  const std::vector<Malformed> cases{
      {"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", "413"},
      {"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'x') + "\r\n0\r\n\r\n",
       "413"},
      {"GET / HTTP/1.1\r\nX: " + std::string(3000, 'x') + "\r\n\r\n", "431"},
      {"GET /" + std::string(3000, 'x') + " HTTP/1.1\r\n\r\n", "431"},
      {"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n", "400"},
      {"\x16\x03\x01 this is TLS\r\n\r\n", "400"},
      {"GET /%zz HTTP/1.1\r\nConnection: close\r\n\r\n", "400"},
      {"OPTIONS * HTTP/1.1\r\nConnection: close\r\n\r\n", "400"},
  };
  for (const auto& c : cases) {
    const auto answer = raw(c.text);
    EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 " + c.status) << c.text.substr(0, 60) << "\n" << answer;
    EXPECT_NE(answer.find("{\"error\":{\"code\":\"net."), std::string::npos);
  }
}

TEST_F(ServerTest, ALargeRefusedBodyStillGetsItsAnswer) {
  ServerOptions options;
  options.body_limit = 1000;
  serve_echo(options);
  const auto answer = raw("POST / HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n" + std::string(2'000'000, 'x'));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413")) << answer.substr(0, 100);
}

TEST_F(ServerTest, CutsOffWhoSendsTooSlowly) {
  ServerOptions options;
  options.idle_timeout = milliseconds{200};
  serve_echo(options);
  EXPECT_EQ(raw(""), "") << "says nothing";
  EXPECT_EQ(raw("GET / HT"), "") << "half a head";
  EXPECT_EQ(raw("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"), "") << "half a body";
  const RawClient drips(server_->port());  // one byte a time must not win more of it
  int sent = 0;
  for (const char c : std::string("GET / HTTP/1.1\r\n") + std::string(1000, 'x')) {
    if (!drips.send({&c, 1})) break;
    ++sent;
    std::this_thread::sleep_for(milliseconds{5});
  }
  EXPECT_LT(sent, 1016);
}

TEST_F(ServerTest, OthersAreServedWhileSomeAreSlow) {
  serve_echo();
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 100; ++i) {
    slow.push_back(std::make_unique<RawClient>(server_->port()));
    ASSERT_TRUE(slow.back()->send("GET /half HTTP/1.1\r\n"));
  }
  EXPECT_EQ(get(request("/quick")).body, "GET /quick ");
}

TEST_F(ServerTest, BeyondTheConnectionLimitClientsWait) {
  ServerOptions options;
  options.max_connections = 2;
  serve_echo(options);
  auto one = std::make_unique<RawClient>(server_->port());
  auto two = std::make_unique<RawClient>(server_->port());
  ASSERT_TRUE(one->send("GET /1 HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(two->send("GET /2 HTTP/1.1\r\n\r\n"));
  ASSERT_NE(one->read_until("GET /1").size(), 0U);
  ASSERT_NE(two->read_until("GET /2").size(), 0U);
  const RawClient three(server_->port());
  ASSERT_TRUE(three.send("GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n"));
  one.reset();  // makes room
  EXPECT_NE(three.read_all().find("GET /3"), std::string::npos);
}

TEST_F(ServerTest, TwoHundredAtOnceWithLateAnswersFromAnotherThread) {
  constexpr int kClients = 200;
  std::mutex mutex;
  std::condition_variable all_there;
  std::vector<std::pair<std::string, ReplyPtr>> waiting;
  serve([&](const Request& r, ReplyPtr reply) {
    const std::lock_guard lock(mutex);
    waiting.emplace_back(r.path, std::move(reply));
    if (waiting.size() == kClients) all_there.notify_one();
  });
  std::vector<std::thread> clients;
  clients.reserve(kClients);
  std::atomic<int> right = 0;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, path = "/" + std::to_string(i)] {
      auto reply = fetch(request(path), mono_now() + seconds{60});
      if (reply && reply->body == path) ++right;
    });
  }
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(all_there.wait_for(lock, std::chrono::seconds{60}, [&] { return waiting.size() == kClients; }));
    for (auto& [path, reply] : waiting) {
      EXPECT_FALSE(reply->closed());
      Response response;
      response.body = path;
      reply->send(std::move(response));
    }
  }
  for (auto& c : clients) c.join();
  EXPECT_EQ(right, kClients);
}

TEST_F(ServerTest, DroppedRepliesAndThrowingHandlersGive500) {
  serve([](const Request& r, const ReplyPtr&) {
    if (r.path == "/throw") throw std::runtime_error("boo");
  });
  EXPECT_EQ(get(request("/drop")).status, 500);
  const auto thrown = get(request("/throw"));
  EXPECT_EQ(thrown.status, 500);
  EXPECT_EQ(thrown.body.find("boo"), std::string::npos) << "inner words stay inside";
}

TEST_F(ServerTest, TellsWhenTheClientHangsUp) {
  std::promise<ReplyPtr> asked;
  serve([&](const Request&, ReplyPtr reply) { asked.set_value(std::move(reply)); });
  RawClient client(server_->port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\n\r\n"));
  const auto reply = asked.get_future().get();
  client.hang_up();
  const auto deadline = mono_now() + seconds{20};
  while (!reply->closed() && mono_now() < deadline) std::this_thread::sleep_for(milliseconds{1});
  EXPECT_TRUE(reply->closed());
  reply->send({});  // harmless
}

TEST_F(ServerTest, AnswersClientsThatCloseTheirSideFirst) {
  std::promise<ReplyPtr> asked;
  serve([&](const Request&, ReplyPtr reply) { asked.set_value(std::move(reply)); });
  const RawClient client(server_->port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"));
  client.half_close();
  Response late;
  late.body = "late";
  asked.get_future().get()->send(std::move(late));
  EXPECT_TRUE(client.read_all().ends_with("late"));
}

TEST_F(ServerTest, RepliesOutliveTheServer) {
  std::promise<ReplyPtr> asked;
  serve([&](const Request&, ReplyPtr reply) { asked.set_value(std::move(reply)); });
  const RawClient client(server_->port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\n\r\n"));
  const auto reply = asked.get_future().get();
  server_->stop();
  EXPECT_TRUE(reply->closed());
  EXPECT_EQ(client.read_all(), "");
  reply->send({});
  server_->stop();  // again: harmless
  server_.reset();
  reply->send({});
}

TEST_F(ServerTest, AnswersSentBeforeStopStillLeave) {
  for (int round = 0; round < 20; ++round) {
    std::promise<ReplyPtr> asked;
    serve([&](const Request&, ReplyPtr reply) { asked.set_value(std::move(reply)); });
    const RawClient client(server_->port());
    ASSERT_TRUE(client.send("GET / HTTP/1.1\r\n\r\n"));
    const auto reply = asked.get_future().get();
    Response response;
    response.body = "farewell";
    reply->send(std::move(response));
    server_->stop();
    EXPECT_TRUE(client.read_all().ends_with("farewell"));
  }
}

TEST_F(ServerTest, PortInUseIsAConfigurationError) {
  serve_echo();
  ServerOptions same;
  same.port = server_->port();
  auto second = HttpServer::start(same, [](const Request&, const ReplyPtr&) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "net.address_in_use");
  EXPECT_EQ(second.error().kind, Kind::config);
  EXPECT_EQ(second.error().where, "127.0.0.1:" + std::to_string(same.port));
  EXPECT_FALSE(second.error().advice.empty());
  // Free again as soon as the first one has stopped, with a connection in TIME_WAIT.
  EXPECT_NE(raw("GET / HTTP/1.0\r\n\r\n"), "");
  server_.reset();
  EXPECT_TRUE(HttpServer::start(same, [](const Request&, const ReplyPtr&) {}));
}

TEST_F(ServerTest, AddressesThatCantBeServedAreSaid) {
  for (const char* address : {"192.0.2.1", "no such host"}) {
    ServerOptions options;
    options.address = address;
    auto server = HttpServer::start(options, [](const Request&, const ReplyPtr&) {});
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, "net.cannot_listen");
  }
}

TEST_F(ServerTest, UnixSocketIsPrivateAndReplacedWhenLeftOver) {
  ServerOptions options;
  options.unix_path = directory_ / "apf.sock";
  serve_echo(options);
  struct stat st{};
  ASSERT_EQ(::stat(options.unix_path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0600U);
  HttpRequest r;
  r.url = "http://localhost/over-unix";
  auto reply = fetch(r, mono_now() + seconds{20}, nullptr, options.unix_path);
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_EQ(reply->body, "GET /over-unix ");

  const auto nothing = [](const Request&, const ReplyPtr&) {};
  auto second = HttpServer::start(options, nothing);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "net.address_in_use") << "a living server keeps its socket";
  server_.reset();
  EXPECT_FALSE(fs::exists(options.unix_path)) << "taken away at the end";
  {  // what a killed program leaves
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    options.unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::close(fd);
    ASSERT_TRUE(fs::exists(options.unix_path));
  }
  EXPECT_TRUE(HttpServer::start(options, nothing));
  std::ofstream(options.unix_path) << "precious";
  auto third = HttpServer::start(options, nothing);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, "net.cannot_listen") << "other people's files are left alone";
  EXPECT_TRUE(fs::exists(options.unix_path));
  options.unix_path = directory_ / std::string(120, 'x');
  EXPECT_EQ(HttpServer::start(options, nothing).error().code, "net.cannot_listen");
}

}  // namespace
}  // namespace apf::net
