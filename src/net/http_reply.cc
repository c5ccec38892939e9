#include "net/http_reply.h"

#include <utility>

#include "net/outgoing.h"

namespace apf::net {
namespace {

class OneShot final : public Reply {
 public:
  explicit OneShot(AnswerTo to) : to_(std::move(to)) {}
  OneShot(const OneShot&) = delete;
  OneShot& operator=(const OneShot&) = delete;
  ~OneShot() override;
  void send(Response response) override;
  StreamPtr stream(Response response) override;
  [[nodiscard]] bool closed() const override { return to_.fate->gone.load(std::memory_order_relaxed); }

 private:
  AnswerTo to_;
  std::atomic<bool> sent_{false};
};

class OpenStream final : public Stream {
 public:
  explicit OpenStream(AnswerTo to) : to_(std::move(to)) {}
  OpenStream(const OpenStream&) = delete;
  OpenStream& operator=(const OpenStream&) = delete;
  ~OpenStream() override;
  bool write(std::shared_ptr<const std::string> piece) override;
  [[nodiscard]] bool closed() const override { return to_.fate->gone.load(std::memory_order_relaxed); }

 private:
  AnswerTo to_;
};

OneShot::~OneShot() {
  if (!sent_.load()) OneShot::send(problem(500, "net.no_reply", "the request was not answered"));
}

void OneShot::send(Response response) {
  if (sent_.exchange(true)) return;
  to_.gate->post([connection = to_.connection, response = std::move(response)]() mutable {
    if (const auto alive = connection.lock()) alive->deliver(std::move(response));
  });
}

StreamPtr OneShot::stream(Response response) {
  if (sent_.exchange(true)) return closed_stream();
  to_.gate->post([connection = to_.connection, response = std::move(response)]() mutable {
    if (const auto alive = connection.lock()) alive->open(std::move(response));
  });
  return std::make_shared<OpenStream>(to_);
}

OpenStream::~OpenStream() {
  to_.gate->post([connection = to_.connection] {
    if (const auto alive = connection.lock()) alive->end();
  });
}

// The count is raised here and lowered when the bytes have left, so that it holds what waits for the server's thread,
// too.
bool OpenStream::write(std::shared_ptr<const std::string> piece) {
  if (closed()) return false;
  if (to_.fate->waiting.fetch_add(piece->size()) > to_.backlog) {
    to_.fate->gone.store(true, std::memory_order_relaxed);
    to_.gate->post([connection = to_.connection] {
      if (const auto alive = connection.lock()) alive->close();
    });
    return false;
  }
  to_.gate->post([connection = to_.connection, piece = std::move(piece)]() mutable {
    if (const auto alive = connection.lock()) alive->push(std::move(piece));
  });
  return true;
}

}  // namespace

ReplyPtr make_reply(AnswerTo to) { return std::make_shared<OneShot>(std::move(to)); }

}  // namespace apf::net
