#include "monitor/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_client.h"
#include "support/directory.h"

namespace apf::monitor {
namespace {

using apf::tests::Directory;
using testing::HasSubstr;

ServerOptions options_in(const Directory& dir) {
  ServerOptions o;
  o.data = dir.file("data");
  o.settings = *load_settings("");
  o.listen = {"127.0.0.1:0"};
  return o;
}

HttpReply call(const std::string& method, const std::string& url) {
  HttpRequest request;
  request.method = method;
  request.url = url;
  return net::fetch(request, mono_now() + seconds{60}).value();
}

TEST(Server, AnswersWithoutAnyConfiguration) {
  const Directory dir;
  const auto server = Server::start(options_in(dir));
  ASSERT_TRUE(server) << server.error().text();
  const std::string url = (*server)->url();
  EXPECT_EQ("http://" + dir.word("data/address"), url);
  const HttpReply health = call("GET", url + "/healthz");
  EXPECT_EQ(health.status, 200);
  EXPECT_THAT(health.body, HasSubstr(R"("status":"ok")"));
  EXPECT_EQ(call("GET", url + "/nothing/here").status, 404);
  EXPECT_EQ(call("DELETE", url + "/healthz").status, 405);
  const auto second = Server::start(options_in(dir));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "serve.in_use");
  (*server)->stop();
  EXPECT_EQ(dir.word("data/address"), "");
}

TEST(Server, SpeaksPlainTextOnLoopbackOnly) {
  const Directory dir;
  ServerOptions o = options_in(dir);
  o.listen = {"0.0.0.0:0"};
  const auto server = Server::start(std::move(o));
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, "monitor.not_loopback");
}

TEST(Settings, SayWhatIsWrongAndWhere) {
  ASSERT_TRUE(parse_settings("[server]\nlisten = [\"127.0.0.1:1\", \"[::1]:2\"]\n", "m.toml", "."));
  const auto wrong = parse_settings("[server]\nlisen = 1\n[sever]\n", "m.toml", ".");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().text(), HasSubstr("m.toml:2"));
  EXPECT_THAT(wrong.error().text(), HasSubstr("did you mean 'listen'"));
  EXPECT_THAT(wrong.error().text(), HasSubstr("m.toml:3"));
  EXPECT_EQ(load_settings("/nonexistent/monitor.toml").error().code, "config.unreadable");
}

}  // namespace
}  // namespace apf::monitor
