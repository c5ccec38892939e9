// The read side against a running server: each answer is what docs/monitor-api.json says, and pages are safe.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "monitor/server.h"
#include "monitor/show/html.h"
#include "net/http_client.h"
#include "net/test_socket.h"
#include "support/api_checker.h"
#include "support/directory.h"

namespace apf::monitor {
namespace {

using apf::tests::Directory;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kEvil = "<script>alert('1')</script>&\"";

class ReadTest : public testing::Test {
 protected:
  void SetUp() override {
    ServerOptions options;
    options.data = directory_.file("data");
    options.settings = *parse_settings(
        "[links]\npayload = 'https://p.example.org/{id}'\nqueue = 'https://q.example.org/{queue}'\n", "test", ".");
    options.listen = {"127.0.0.1:0"};
    auto server = Server::start(std::move(options));
    ASSERT_TRUE(server) << server.error().text();
    server_ = std::move(*server);
  }
  HttpReply call(const std::string& path, const std::string& body = {}) const {
    HttpRequest request;
    request.method = body.empty() ? "GET" : "POST";
    request.url = server_->url() + path;
    request.body = body;
    return net::fetch(request, mono_now() + seconds{60}).value();
  }
  json get(const std::string& path) const {
    const auto reply = call(path);
    EXPECT_EQ(reply.status, 200) << path << " " << reply.body;
    return json::parse(reply.body);
  }
  void tell(const json& news) const {
    const auto reply = call("/api/v1/news", news.dump());
    ASSERT_EQ(reply.status, 200) << reply.body;
  }
  // Snapshots follow commits.
  void wait_for_pilots(std::int64_t count) const {
    const auto deadline = mono_now() + seconds{60};
    while (get("/api/v1/overview")["pilots"] != count && mono_now() < deadline)
      std::this_thread::sleep_for(milliseconds{10});
    ASSERT_EQ(get("/api/v1/overview")["pilots"], count);
  }
  void fill() const {
    tell({{"factory",
           {{"name", "F"},
            {"version", "1"},
            {"email", "e@example.org"},
            {"url", "https://example.org/"},
            {"started", true}}},
          {"labels",
           {{{"name", "L"}, {"site", "S"}, {"wms_queue", "Q/1"}, {"status", "Ready:in=0,ret=3"}},
            {{"name", kEvil}, {"status", kEvil}}}},
          {"pilots",
           {{{"id", "1.0"},
             {"label", "L"},
             {"state", "created"},
             {"details", {{"stdout", "https://example.org/1.out"}, {"gtag", "javascript:alert(1)"}}}},
            {{"id", "1.0"}, {"state", "running"}, {"node", "wn1"}, {"profile", {{"cores", 8}}}},
            {{"id", "1.0"}, {"state", "fault"}, {"text", "disk full"}, {"failure", "disk"}, {"ids", "7,8&"}},
            {{"id", "2.0"}, {"label", "L"}, {"state", "created"}},
            {{"id", "3.0"}, {"label", kEvil}, {"state", "created"}}}}});
    wait_for_pilots(3);
  }

  Directory directory_;
  std::unique_ptr<Server> server_;
};

std::string example_query(const json& parameters) {
  std::string query;
  for (const auto& p : parameters)
    if (p.contains("example"))
      query += (query.empty() ? "?" : "&") + p["name"].get<std::string>() + "=" + p["example"].get<std::string>();
  return query;
}

TEST_F(ReadTest, AnswersAreAsDocumented) {
  fill();
  const json document = tests::api_document();
  EXPECT_EQ(get("/api/v1/openapi.json"), document);
  const tests::ApiChecker checker(document);
  int checked = 0;
  for (const auto& [path, methods] : document["paths"].items()) {
    if (!methods.contains("get") || path == "/api/v1/pilots/log") continue;  // logs_test.cc has a factory to ask
    const json& operation = methods["get"];
    const json& content = operation["responses"]["200"]["content"];
    if (!content.contains("application/json")) continue;
    const json answer = get(path + example_query(operation["parameters"]));
    EXPECT_EQ(checker.check(answer, content["application/json"]["schema"], path), "");
    ++checked;
  }
  EXPECT_EQ(checked, 11);
  const json error = json::parse(call("/api/v1/label?factory=F&name=none").body);
  EXPECT_EQ(checker.check(error, {{"$ref", "#/components/schemas/Error"}}, "error"), "");
}

TEST_F(ReadTest, FindsWhatIsAskedFor) {
  fill();
  const json label = get("/api/v1/label?factory=F&name=L");
  EXPECT_EQ(label["live"]["created"], 1);
  EXPECT_EQ(label["hour"]["fault"], 1);
  EXPECT_EQ(label["messages"][0]["text"], "Ready:in=0,ret=3");
  EXPECT_EQ(label["nodes"][0]["name"], "wn1");
  EXPECT_EQ(label["links"], (json{{"queue", "https://q.example.org/Q%2F1"}, {"site", nullptr}}));
  const json pilot = get("/api/v1/pilot?factory=F&id=1.0");
  EXPECT_EQ(pilot["state"], "fault");
  EXPECT_EQ(pilot["reason"], "disk full");
  EXPECT_EQ(pilot["line"].size(), 3U);
  EXPECT_EQ(pilot["links"], (json{{"stdout", "https://example.org/1.out"}})) << "what could run as a script is no link";
  EXPECT_EQ(pilot["details"]["gtag"], "javascript:alert(1)");
  EXPECT_EQ(pilot["payload_links"][1], (json{{"id", "8&"}, {"url", "https://p.example.org/8%26"}}));
  EXPECT_EQ(pilot["node_facts"]["profile"]["cores"], 8);
  EXPECT_EQ(get("/api/v1/pilots?factory=F&label=L&state=fault")["pilots"].size(), 1U);
  EXPECT_EQ(get("/api/v1/pilots?node=wn1")["pilots"][0]["id"], "1.0");
  const json first = get("/api/v1/pilots?factory=F&limit=2");
  EXPECT_EQ(first["pilots"].size(), 2U);
  const json rest = get("/api/v1/pilots?factory=F&limit=2&before=" + first["next"].get<std::string>());
  EXPECT_EQ(rest["pilots"].size(), 1U);
  EXPECT_TRUE(rest["next"].is_null());
  EXPECT_EQ(get("/api/v1/search?q=2.0")["pilots"][0]["id"], "2.0");
  EXPECT_EQ(get("/api/v1/search?q=WN")["nodes"][0]["name"], "wn1");
  EXPECT_EQ(get("/api/v1/overview?factory=F")["labels"].size(), 2U);
}

TEST_F(ReadTest, SaysWhatIsWrong) {
  fill();
  struct Case {
    const char* path;
    int status;
  };
  for (const auto& [path, status] : {Case{"/api/v1/overview?factory=none", 404},
                                     {"/api/v1/label", 404},
                                     {"/api/v1/node?name=x", 404},
                                     {"/api/v1/pilot?factory=F&id=99.9", 404},
                                     {"/api/v1/pilots?factory=F&state=odd", 400},
                                     {"/api/v1/pilots", 404},
                                     {"/api/v1/history?factory=F&name=L&range=2h", 400},
                                     {"/api/v1/search", 400},
                                     {"/web/../server.cc", 404},
                                     {"/web/none.js", 404}}) {
    EXPECT_EQ(call(path).status, status) << path;
  }
}

TEST_F(ReadTest, AnswersAllWhoAskTheSameAtOnce) {
  fill();
  std::vector<std::thread> pages;
  std::atomic<int> good = 0;
  for (int i = 0; i < 16; ++i)
    pages.emplace_back([&] {
      for (int k = 0; k < 20; ++k) good += static_cast<int>(call("/api/v1/overview").status == 200);
    });
  for (std::thread& t : pages) t.join();
  EXPECT_EQ(good, 16 * 20);
}

// What one page was told must not be what another gets after a change.
TEST_F(ReadTest, KeptAnswersFollowChanges) {
  fill();
  EXPECT_EQ(get("/api/v1/pilot?factory=F&id=2.0")["state"], "created");
  tell({{"factory", "F"},
        {"pilots", {{{"id", "2.0"}, {"state", "running"}}, {{"id", "4.0"}, {"label", "L"}, {"state", "created"}}}}});
  wait_for_pilots(4);
  EXPECT_EQ(get("/api/v1/pilot?factory=F&id=2.0")["state"], "running");
}

class EventsTest : public ReadTest {
 protected:
  [[nodiscard]] std::uint16_t port() const {
    const auto url = server_->url();
    return static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  }
  static void ask(const net::test::RawClient& client, const std::string& query) {
    ASSERT_TRUE(client.send("GET /api/v1/events" + query + " HTTP/1.1\r\nHost: h\r\n\r\n"));
    EXPECT_THAT(client.read_until("\n\n"), HasSubstr("HTTP/1.1 200"));
  }
};

TEST_F(EventsTest, EachPageHearsOfItsSubject) {
  fill();
  const net::test::RawClient all(port()), label(port()), pilot(port()), node(port()), other(port());
  ask(all, "");
  ask(label, "?factory=F&label=L");
  ask(pilot, "?factory=F&pilot=2.0");
  ask(node, "?node=wn1");
  ask(other, "?factory=F&pilot=3.0");
  tell({{"factory", "F"}, {"pilots", {{{"id", "2.0"}, {"state", "running"}, {"node", "wn1"}}}}});
  EXPECT_THAT(all.read_until("\"running\":1"), HasSubstr("event: overview"));
  EXPECT_THAT(label.read_until("\"running\":1"), HasSubstr("event: label"));
  EXPECT_THAT(pilot.read_until("event: pilot"), HasSubstr("event: pilot"));
  EXPECT_THAT(node.read_until("\"running\":1"), HasSubstr("event: node"));
  tell({{"factory", "F"}, {"pilots", {{{"id", "3.0"}, {"state", "running"}}}}});
  EXPECT_THAT(other.read_until("event: pilot"), HasSubstr("event: pilot"));
  server_->stop();
  EXPECT_THAT(pilot.read_all(), Not(HasSubstr("event: pilot"))) << "of other pilots it hears nothing";
}

TEST_F(ReadTest, PagesAreProtected) {
  fill();
  for (const char* path :
       {"/", "/label?factory=F&name=L", "/web/app.js", "/web/style.css", "/plain", "/plain/label?factory=F&name=L"}) {
    const auto reply = call(path);
    EXPECT_EQ(reply.status, 200) << path;
    ASSERT_TRUE(reply.headers.contains("content-security-policy")) << path;
    EXPECT_THAT(reply.headers.at("content-security-policy"), HasSubstr("script-src 'self';"));
    EXPECT_THAT(reply.headers.at("content-security-policy"), Not(HasSubstr("unsafe")));
  }
  const auto plain = call("/plain").body;
  EXPECT_THAT(plain, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(plain, Not(HasSubstr("<script")));
  EXPECT_THAT(call("/plain/label?factory=F&name=L").body, HasSubstr("href=\"https://q.example.org/Q%2F1\""));
  HttpRequest again;
  again.url = server_->url() + "/web/app.js";
  again.headers = {{"If-None-Match", call("/web/app.js").headers.at("etag")}};
  EXPECT_EQ(net::fetch(again, mono_now() + seconds{60})->status, 304);
}

TEST(Html, EscapesTextsAndAddresses) {
  html::Table table("C", {"<"});
  table.row({"<b>"}, {{0, "/x?\"y"}});
  EXPECT_THAT(table.text(), HasSubstr("<a href=\"/x?&quot;y\">&lt;b&gt;</a>"));
}

}  // namespace
}  // namespace apf::monitor
