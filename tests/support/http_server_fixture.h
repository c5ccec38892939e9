// For tests: a server on a free port, a scratch directory, and requests to it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/test_socket.h"

namespace apf::net::test {

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "apf-net-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }
  void serve(Handler handler, const ServerOptions& options = {}) {
    auto server = HttpServer::start(options, std::move(handler));
    ASSERT_TRUE(server) << server.error().text();
    server_ = std::move(*server);
  }
  // Answers with what it was asked.
  void serve_echo(const ServerOptions& options = {}) {
    serve(
        [](const Request& r, const ReplyPtr& reply) {
          Response response;
          response.type = "text/plain";
          response.body = r.method + " " + r.path + " " + r.body;
          reply->send(std::move(response));
        },
        options);
  }
  [[nodiscard]] HttpRequest request(const std::string& path) const {
    HttpRequest r;
    r.url = "http://127.0.0.1:" + std::to_string(server_->port()) + path;
    return r;
  }
  [[nodiscard]] HttpReply get(const HttpRequest& r) const {
    auto reply = fetch(r, mono_now() + seconds{30});
    EXPECT_TRUE(reply) << reply.error().text();
    return reply ? *reply : HttpReply{};
  }
  // The whole answer to raw text, until the server closes.
  [[nodiscard]] std::string raw(std::string_view text) const {
    const RawClient client(server_->port());
    EXPECT_TRUE(client.send(text));
    return client.read_all();
  }

  std::filesystem::path directory_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace apf::net::test
