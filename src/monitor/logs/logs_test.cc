// Pilots' files through a running monitor, from servers that are as they should be and from others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>

#include "net/http_server.h"
#include "support/api_checker.h"
#include "support/monitor_fixture.h"

namespace apf::monitor {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class LogsTest : public tests::MonitorTest {
 protected:
  // A factory's server; what it gets, it keeps.
  void serve(net::Handler handler) {
    auto server = net::HttpServer::start({}, std::move(handler));
    ASSERT_TRUE(server) << server.error().text();
    factory_ = std::move(*server);
  }
  [[nodiscard]] std::string base() const { return "http://127.0.0.1:" + std::to_string(factory_->port()); }
  void tell(const std::string& logs, const std::string& file) {
    const json news = {
        {"factory", {{"name", "F"}, {"url", logs}, {"started", true}}},
        {"pilots", {{{"id", "1.0"}, {"label", "L"}, {"state", "running"}, {"details", {{"stdout", file}}}}}}};
    ASSERT_EQ(call("POST", "/api/v1/news", news.dump()).status, 200);
    until([&] {
      const auto shown = json::parse(call("GET", "/api/v1/overview").body)["factories"];
      return !shown.empty() && shown[0]["url"] == (logs.starts_with("http") ? json(logs) : json()) &&
             shown[0]["address"] == "127.0.0.1";
    });
  }
  HttpReply log(const std::string& more = "", const std::string& file = "stdout") {
    return call("GET", "/api/v1/pilots/log?factory=F&id=1.0&file=" + file + more);
  }
  static std::string code(const HttpReply& reply) { return json::parse(reply.body)["error"]["code"]; }

  std::unique_ptr<net::HttpServer> factory_;
};

TEST_F(LogsTest, ShowsPartsOfAFile) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i) + " <script>\n";
  std::ofstream(store_.directory().file("1.out")) << text;
  serve([this](const net::Request& request, const net::ReplyPtr& reply) {
    net::Response response;
    response.beneath = store_.directory().path();
    response.file = request.path.substr(std::string("/logs/").size());
    reply->send(std::move(response));
  });
  tell(base() + "/logs", base() + "/logs/1.out");
  const json document = tests::api_document();
  const auto end = log();
  ASSERT_EQ(end.status, 200) << end.body;
  EXPECT_EQ(end.headers.at("content-type"), "application/json");
  EXPECT_EQ(end.headers.at("x-content-type-options"), "nosniff");
  const json part = json::parse(end.body);
  EXPECT_EQ(tests::ApiChecker(document).check(part, {{"$ref", "#/components/schemas/LogPart"}}, "part"), "");
  EXPECT_EQ(part["size"], text.size());
  EXPECT_EQ(part["text"], text.substr(text.size() - 65536));
  const json first = json::parse(log("&from=0&most=1024").body);
  EXPECT_EQ(first["text"], text.substr(0, 1024));
  EXPECT_EQ(json::parse(log("&from=1024&most=1024").body)["text"], text.substr(1024, 1024));
  EXPECT_EQ(json::parse(log("&from=" + std::to_string(text.size())).body)["text"], "");
  for (const char* bad : {"&from=-1", "&from=x", "&most=0", "&most=999999999"}) EXPECT_EQ(log(bad).status, 400) << bad;
  EXPECT_EQ(code(log("", "stderr")), "logs.no_file");
  const auto missing = call("GET", "/api/v1/pilots/log?factory=F&id=2.0&file=stdout");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(
      tests::ApiChecker(document).check(json::parse(missing.body), {{"$ref", "#/components/schemas/Error"}}, "error"),
      "");
}

// What others told must not make this monitor ask where it was not meant to.
TEST_F(LogsTest, AsksNowhereElse) {
  std::atomic<int> asked = 0;
  serve([&](const net::Request&, const net::ReplyPtr& reply) {
    ++asked;
    reply->send({});
  });
  tell("http://127.0.0.1:1/logs", base() + "/logs/1.out");
  const auto other = log();
  EXPECT_EQ(other.status, 403);
  EXPECT_EQ(code(other), "logs.not_allowed");
  EXPECT_THAT(json::parse(other.body)["error"]["advice"], HasSubstr("[logs] from"));
  tell(base() + "/logs", base() + "/logs/../api");
  EXPECT_EQ(log().status, 403);
  tell("http://192.0.2.1/logs", "http://192.0.2.1/logs/1.out");  // not where the factory speaks from: never connects
  const auto elsewhere = log();
  EXPECT_EQ(elsewhere.status, 403) << elsewhere.body;
  EXPECT_THAT(elsewhere.body, HasSubstr("speaks from 127.0.0.1"));
  tell("file:///etc", "file:///etc/passwd");
  EXPECT_EQ(log().status, 403);
  EXPECT_EQ(asked, 0);
}

TEST_F(LogsTest, FollowsNoRedirectAndTakesNothingPacked) {
  std::atomic<int> elsewhere = 0;
  serve([&](const net::Request& request, const net::ReplyPtr& reply) {
    net::Response response;
    if (request.path == "/logs/away") {
      response.status = 302;
      response.headers["Location"] = base() + "/secret";
    } else if (request.path == "/logs/packed.gz") {
      response.body = std::string("\x1f\x8b\x08\x00garbage", 11);
    } else {
      ++elsewhere;
    }
    reply->send(std::move(response));
  });
  tell(base() + "/logs", base() + "/logs/away");
  EXPECT_EQ(code(log()), "logs.redirect");
  tell(base() + "/logs", base() + "/logs/packed.gz");
  EXPECT_EQ(code(log()), "logs.packed");
  EXPECT_EQ(elsewhere, 0);
}

TEST_F(LogsTest, SaysThatAFactoryDoesNotAnswer) {
  serve([](const net::Request&, const net::ReplyPtr&) {});
  const std::string dead = base();
  factory_.reset();
  tell(dead + "/logs", dead + "/logs/1.out");
  const auto answer = log();
  EXPECT_EQ(answer.status, 502);
  const json error = json::parse(answer.body)["error"];
  EXPECT_EQ(error["code"], "logs.no_answer");
  EXPECT_EQ(error["url"], dead + "/logs/1.out");
  EXPECT_THAT(error["advice"], HasSubstr("is the factory running"));
}

// A factory that hangs takes some threads and some places in the queue, never those of the server.
TEST_F(LogsTest, ThoseThatHangHoldUpNobody) {
  std::mutex mutex;
  std::vector<net::ReplyPtr> held;
  serve([&](const net::Request&, const net::ReplyPtr& reply) {
    const std::scoped_lock lock(mutex);
    held.push_back(reply);
  });
  tell(base() + "/logs", base() + "/logs/1.out");
  std::vector<std::future<Result<HttpReply>>> answers;
  constexpr std::size_t kMany = 30;
  const std::string url = server_->url() + "/api/v1/pilots/log?factory=F&id=1.0&file=stdout";
  for (std::size_t i = 0; i < kMany; ++i)
    answers.push_back(std::async(std::launch::async, [url] {
      HttpRequest request;
      request.url = url;
      return net::fetch(request, mono_now() + seconds{120});
    }));
  const auto done = [&] {
    return std::count_if(answers.begin(), answers.end(), [](const std::future<Result<HttpReply>>& f) {
      return f.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
    });
  };
  until(
      [&] { return done() >= static_cast<std::ptrdiff_t>(kMany - 18); });  // 2 are asked, 16 wait, the rest is refused
  {
    const std::scoped_lock lock(mutex);
    EXPECT_LE(held.size(), 2U);
  }
  EXPECT_EQ(call("GET", "/healthz").status, 200);
  EXPECT_EQ(call("GET", "/api/v1/pilot?factory=F&id=1.0").status, 200);
  server_->stop();  // drops what waits, and does not wait for the factory
  std::size_t busy = 0;
  for (auto& answer : answers) {
    const auto reply = answer.get();
    if (!reply) continue;  // the server has stopped
    EXPECT_NE(reply->status, 200);
    if (reply->headers.contains("retry-after")) ++busy;
  }
  EXPECT_GE(busy, kMany - 18);
  const std::scoped_lock lock(mutex);
  held.clear();
}

}  // namespace
}  // namespace apf::monitor
