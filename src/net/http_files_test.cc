// Files served over HTTP: ranges, conditions, and nothing from outside the directory.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "support/http_server_fixture.h"

namespace apf::net {
namespace {

namespace fs = std::filesystem;
using test::RawClient;
using test::ServerTest;

class FileTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    for (int i = 0; i < 300'000; ++i) content_ += static_cast<char>('a' + i % 26);
    std::ofstream(directory_ / "file") << content_;
    serve([this](const Request& r, const ReplyPtr& reply) {
      Response response;
      response.type = "text/plain";
      response.beneath = directory_;
      response.file = r.path;
      reply->send(std::move(response));
    });
  }
  [[nodiscard]] HttpReply get_with(const std::string& header, const std::string& value,
                                   const std::string& path = "/file") const {
    auto r = request(path);
    r.headers = {{header, value}};
    return get(r);
  }
  std::string content_;
};

TEST_F(FileTest, ServesWholeAndParts) {
  const auto whole = get(request("/file"));
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, content_);
  EXPECT_EQ(whole.headers.at("accept-ranges"), "bytes");
  const auto part = get_with("Range", "bytes=200000-200009");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, content_.substr(200000, 10));
  EXPECT_EQ(part.headers.at("content-range"), "bytes 200000-200009/300000");
  const auto tail = get_with("Range", "bytes=-200000");
  EXPECT_EQ(tail.body, content_.substr(100000));
  const auto beyond = get_with("Range", "bytes=300000-");
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.headers.at("content-range"), "bytes */300000");
}

TEST_F(FileTest, HeadTellsTheLengthOnly) {
  auto r = request("/file");
  r.method = "HEAD";
  const auto reply = get(r);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(reply.headers.at("content-length"), "300000");
}

TEST_F(FileTest, ConditionsAreHonoured) {
  const auto first = get(request("/file"));
  const auto etag = first.headers.at("etag"), modified = first.headers.at("last-modified");
  EXPECT_EQ(get_with("If-None-Match", etag).status, 304);
  EXPECT_EQ(get_with("If-None-Match", "\"other\"").status, 200);
  EXPECT_EQ(get_with("If-Modified-Since", modified).status, 304);
  EXPECT_EQ(get_with("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT").status, 200);
  EXPECT_EQ(get_with("If-Modified-Since", "yesterday").status, 200);
  auto r = request("/file");
  r.headers = {{"Range", "bytes=0-9"}, {"If-Range", "\"other\""}};
  EXPECT_EQ(get(r).status, 200) << "the file changed: the whole one";
  r.headers = {{"Range", "bytes=0-9"}, {"If-Range", etag}};
  EXPECT_EQ(get(r).status, 206);
}

TEST_F(FileTest, NothingOutsideIsReached) {
  const auto secret = directory_.string() + "-secret";
  std::ofstream(secret) << "secret";
  fs::create_symlink(secret, directory_ / "link");
  fs::create_directory_symlink("/", directory_ / "slash");
  fs::create_directory(directory_ / "sub");
  ASSERT_EQ(::mkfifo((directory_ / "fifo").c_str(), 0600), 0);
  const auto name = fs::path(secret).filename().string();
  for (const auto& path : {"/link", "/slash/etc/passwd", "/sub", "/", "/fifo", "/none", "/file/x", "/sub/../file"}) {
    auto r = request("");
    EXPECT_TRUE(raw(std::string("GET ") + path + " HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 404")) << path;
  }
  EXPECT_TRUE(raw("GET /%2e%2e/" + name + " HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(raw("GET /..%2f" + name + " HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(raw("GET //file HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200"));
  fs::remove(secret);
}

TEST_F(FileTest, AFileThatShrinksWhileItIsSentEndsTheConnection) {
  fs::resize_file(directory_ / "file", 100'000'000);
  const RawClient client(server_->port());
  ASSERT_TRUE(client.send("GET /file HTTP/1.1\r\n\r\n"));
  auto got = client.read_until("\r\n\r\n");
  fs::resize_file(directory_ / "file", 0);
  got += client.read_all();
  EXPECT_LT(got.size(), 100'000'000U);
}

}  // namespace
}  // namespace apf::net
