// The running job queue: a data directory, an HTTP server, and the one thread that owns the service.
//
// DIR/lock          held while the server runs: one server a directory
// DIR/jobs.db       the jobs
// DIR/tokens/       see tokens.h
// DIR/address       "127.0.0.1:25080", written when the server listens, removed when it stops
//
// Thread-safety: start, stop and destruction by one thread; port() by any.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "jobqueue/service.h"
#include "jobqueue/tokens.h"
#include "net/http_server.h"

namespace apf::jobqueue {

struct ServerSettings {
  std::string data;
  std::string address = "127.0.0.1";  // loopback only, until TLS comes
  std::uint16_t port = 25080;         // 0: any free one
  ServiceOptions service;
  std::function<void(const std::string&)> log = [](const std::string&) {};
};

class Server {
 public:
  // Errors (config): "jobqueue.not_loopback", "jobqueue.in_use" (another server has the directory),
  // "jobqueue.bad_directory", those of tokens, store and net.
  static Result<std::unique_ptr<Server>> start(const ServerSettings& settings);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  [[nodiscard]] std::string address() const;  // "127.0.0.1:25080"
  void stop();                                // answers what has come in, then ends; harmless twice

 private:
  explicit Server(const ServerSettings& settings) : settings_(settings) {}
  Status prepare();
  Status listen();
  void take(const net::Request& request, net::ReplyPtr reply);  // on the HTTP server's thread
  void work();                                                  // the service's thread

  ServerSettings settings_;
  int lock_ = -1;
  Tokens tokens_;
  std::unique_ptr<Service> service_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Incoming> queue_;  // guarded by mutex_
  bool stopping_ = false;        // guarded by mutex_
  std::thread worker_;
  std::unique_ptr<net::HttpServer> http_;
};

// 127.0.0.0/8, ::1 or localhost.
bool is_loopback(const std::string& address);

}  // namespace apf::jobqueue
