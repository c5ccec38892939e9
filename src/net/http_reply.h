// A connection as those see it who answer its request, from whatever thread and however late.
//
// Thread-safety: Answered belongs to the server's thread; the rest is for any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include "net/gate.h"
#include "net/http_server.h"

namespace apf::net {

// A connection that waits for its answer.
class Answered {
 public:
  Answered() = default;
  Answered(const Answered&) = delete;
  Answered& operator=(const Answered&) = delete;
  virtual void deliver(Response response) = 0;
  virtual void open(Response response) = 0;  // of a stream
  virtual void push(std::shared_ptr<const std::string> piece) = 0;
  virtual void end() = 0;  // of a stream, behind what was pushed
  virtual void close() = 0;

 protected:
  ~Answered() = default;
};

// What a connection and those who answer it tell each other without the server's thread.
struct Fate {
  std::atomic<bool> gone{false};
  std::atomic<std::size_t> waiting{0};  // bytes of a stream that have not left
};

struct AnswerTo {
  std::shared_ptr<Gate> gate;
  std::weak_ptr<Answered> connection;  // locked on the server's thread only
  std::shared_ptr<Fate> fate;
  std::size_t backlog;  // bytes that may wait in a stream before its client is cut off
};

ReplyPtr make_reply(AnswerTo to);

}  // namespace apf::net
