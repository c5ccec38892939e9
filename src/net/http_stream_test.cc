// Answers that go on: server-sent events to many clients, some of which do not read.
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "support/http_server_fixture.h"

namespace apf::net {
namespace {

using test::RawClient;
using test::ServerTest;

constexpr seconds kPatience{60};

std::shared_ptr<const std::string> piece(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

Response events() {
  Response response;
  response.type = "text/event-stream";
  response.body = ": hello\n\n";
  return response;
}

class StreamTest : public ServerTest {
 protected:
  // Every request opens a stream, which is kept.
  void serve_streams(const ServerOptions& options = {}) {
    serve(
        [this](const Request&, const ReplyPtr& reply) {
          auto stream = reply->stream(events());
          const std::lock_guard lock(mutex_);
          streams_.push_back(std::move(stream));
          opened_.notify_all();
        },
        options);
  }
  StreamPtr stream(std::size_t index) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(opened_.wait_for(lock, std::chrono::seconds{60}, [&] { return streams_.size() > index; }));
    return streams_.size() > index ? streams_[index] : nullptr;
  }
  void drop(std::size_t index) {
    const std::lock_guard lock(mutex_);
    streams_[index].reset();
  }
  void TearDown() override {
    ServerTest::TearDown();
    streams_.clear();
  }
  static bool closes(const StreamPtr& stream) {
    const auto deadline = mono_now() + kPatience;
    while (!stream->closed() && mono_now() < deadline) std::this_thread::sleep_for(milliseconds{1});
    return stream->closed();
  }

  std::mutex mutex_;
  std::condition_variable opened_;
  std::vector<StreamPtr> streams_;
};

TEST_F(StreamTest, SendsPiecesInOrderAndEndsWhenDropped) {
  serve_streams();
  const RawClient client(server_->port());
  ASSERT_TRUE(client.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n"));
  const auto head = client.read_until(": hello\n\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n")) << head;
  EXPECT_NE(head.find("Content-Type: text/event-stream\r\n"), std::string::npos);
  EXPECT_NE(head.find("Connection: close\r\n"), std::string::npos) << "its end is the connection's";
  EXPECT_EQ(head.find("Content-Length"), std::string::npos);
  ASSERT_TRUE(stream(0)->write(piece("data: 0\n\n")));
  EXPECT_EQ(client.read_until("0\n\n"), "data: 0\n\n");
  std::string expected;
  for (int i = 1; i <= 1000; ++i) {
    const auto text = "data: " + std::to_string(i) + "\n\n";
    expected += text;
    ASSERT_TRUE(stream(0)->write(piece(text)));
  }
  drop(0);
  EXPECT_EQ(client.read_all(), expected);
}

TEST_F(StreamTest, HeadHasNoStream) {
  serve_streams();
  const RawClient client(server_->port());
  ASSERT_TRUE(client.send("HEAD /events HTTP/1.1\r\n\r\n"));
  const auto answer = client.read_all();
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
  EXPECT_TRUE(stream(0)->closed());
  EXPECT_FALSE(stream(0)->write(piece("x")));
}

TEST_F(StreamTest, AReplyGivesOneAnswerOnly) {
  std::promise<std::pair<bool, bool>> second;
  serve([&](const Request&, const ReplyPtr& reply) {
    reply->send({});
    const auto late = reply->stream(events());
    second.set_value({late->closed(), late->write(piece("never"))});
  });
  EXPECT_EQ(get(request("/")).body, "");
  EXPECT_EQ(second.get_future().get(), std::make_pair(true, false));
}

TEST_F(StreamTest, TellsWhenTheClientHangsUp) {
  serve_streams();
  RawClient client(server_->port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\n\r\nsomething sent ahead"));
  EXPECT_NE(client.read_until("hello"), "");
  EXPECT_FALSE(stream(0)->closed());
  client.hang_up();
  EXPECT_TRUE(closes(stream(0))) << "without anything being written";
  EXPECT_FALSE(stream(0)->write(piece("x")));
}

TEST_F(StreamTest, ClientsThatDoNotReadAreCutOffAndOthersGoOn) {
  ServerOptions options;
  options.backlog = 100'000;
  serve_streams(options);
  const RawClient deaf(server_->port());
  ASSERT_TRUE(deaf.send("GET /deaf HTTP/1.1\r\n\r\n"));
  ASSERT_NE(stream(0), nullptr);
  const RawClient good(server_->port());
  ASSERT_TRUE(good.send("GET /good HTTP/1.1\r\n\r\n"));
  ASSERT_NE(stream(1), nullptr);
  EXPECT_NE(good.read_until("hello\n\n"), "");
  const auto lump = piece(std::string(50'000, 'x') + "\n\n");
  std::size_t taken = 0;
  while (stream(0)->write(lump)) {
    ASSERT_LT(++taken, 1000U) << "bounded by the backlog and the kernel's buffers";
    ASSERT_TRUE(stream(1)->write(lump));
    ASSERT_EQ(good.read_until("\n\n").size(), lump->size());
  }
  EXPECT_TRUE(stream(0)->closed());
  ASSERT_TRUE(stream(1)->write(piece("still there\n\n")));
  EXPECT_EQ(good.read_until("\n\n"), "still there\n\n");
}

TEST_F(StreamTest, APieceThatDoesNotLeaveInTimeEndsTheStream) {
  ServerOptions options;
  options.idle_timeout = milliseconds{200};
  options.backlog = std::size_t{64} << 20U;
  serve_streams(options);
  const RawClient deaf(server_->port());
  ASSERT_TRUE(deaf.send("GET /deaf HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(stream(0)->write(piece(std::string(20 << 20U, 'x'))));
  EXPECT_TRUE(closes(stream(0)));
}

TEST_F(StreamTest, SilentStreamsOutliveTheIdleTimeout) {
  ServerOptions options;
  options.idle_timeout = milliseconds{100};
  serve_streams(options);
  const RawClient client(server_->port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_NE(client.read_until("hello\n\n"), "");
  EXPECT_EQ(raw("GET / HT"), "") << "that long the timeout takes";
  EXPECT_EQ(raw("GET / HT"), "");
  ASSERT_TRUE(stream(0)->write(piece("late\n\n")));
  EXPECT_EQ(client.read_until("\n\n"), "late\n\n");
}

TEST_F(StreamTest, BeyondTheLimitClientsAreToldSo) {
  ServerOptions options;
  options.max_streams = 1;
  serve_streams(options);
  auto one = std::make_unique<RawClient>(server_->port());
  ASSERT_TRUE(one->send("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_NE(one->read_until("hello\n\n"), "");
  const auto refused = raw("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503")) << refused;
  EXPECT_NE(refused.find("Retry-After: "), std::string::npos);
  EXPECT_TRUE(closes(stream(1)));
  one.reset();
  EXPECT_TRUE(closes(stream(0)));
  const RawClient next(server_->port());  // there is room again
  ASSERT_TRUE(next.send("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(next.read_until("hello\n\n").starts_with("HTTP/1.1 200"));
}

TEST_F(StreamTest, StreamsOutliveTheServer) {
  serve_streams();
  const RawClient client(server_->port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_NE(client.read_until("hello\n\n"), "");
  const auto kept = stream(0);
  server_->stop();
  EXPECT_TRUE(kept->closed());
  EXPECT_EQ(client.read_all(), "");
  EXPECT_FALSE(kept->write(piece("x")));
  server_.reset();
}

// One piece for all, no thread each; slow-loris connections beside them take nothing away.
TEST_F(StreamTest, ManyListenersShareOnePiece) {
  constexpr std::size_t kListeners = 100;
  serve_streams();
  std::vector<std::unique_ptr<RawClient>> clients, slow;
  for (std::size_t i = 0; i < kListeners; ++i) {
    clients.push_back(std::make_unique<RawClient>(server_->port()));
    ASSERT_TRUE(clients.back()->send("GET / HTTP/1.1\r\n\r\n"));
    slow.push_back(std::make_unique<RawClient>(server_->port()));
    ASSERT_TRUE(slow.back()->send("GET /half HTTP/1.1\r\nX: "));
  }
  const auto shared = piece("data: for all\n\n");
  for (std::size_t i = 0; i < kListeners; ++i) ASSERT_TRUE(stream(i)->write(shared));
  for (const auto& client : clients) {
    EXPECT_TRUE(client->read_until("for all\n\n").ends_with("data: for all\n\n"));
  }
}

}  // namespace
}  // namespace apf::net
