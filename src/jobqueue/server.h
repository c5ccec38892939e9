// The running job queue: a data directory, an HTTP server, and the one thread that owns the service.
//
// DIR/lock          held while the server runs: one server a directory
// DIR/jobs.db       the jobs
// DIR/tokens/       see tokens.h
// DIR/subjects      see subjects.h; read at the start
// DIR/address       "127.0.0.1:25080", written when the server listens, removed when it stops; "https://..." with TLS
// DIR/socket        with TLS: a Unix socket for the commands of this machine, without TLS
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
#include "jobqueue/subjects.h"
#include "jobqueue/tokens.h"
#include "net/http_server.h"
#include "serve/data_dir.h"

namespace apf::jobqueue {

struct ServerSettings {
  std::string data;
  std::string address = "127.0.0.1";  // without TLS loopback only
  net::TlsOptions tls;
  std::uint16_t port = 25080;  // 0: any free one
  ServiceOptions service;
  std::function<void(const std::string&)> log = [](const std::string&) {};
};

class Server {
 public:
  // Errors (config): "jobqueue.not_loopback", those of serve/data_dir.h, subjects, tokens, store and net.
  static Result<std::unique_ptr<Server>> start(const ServerSettings& settings);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  [[nodiscard]] std::string address() const;  // "127.0.0.1:25080"
  [[nodiscard]] std::string url() const;
  void stop();  // answers what has come in, then ends; harmless twice

 private:
  explicit Server(const ServerSettings& settings) : settings_(settings) {}
  Status prepare();
  Status listen();
  Status listen_for_commands();
  void take(const net::Request& request, net::ReplyPtr reply);  // on the HTTP server's thread
  void work();                                                  // the service's thread

  ServerSettings settings_;
  serve::DataDir dir_;  // outlives the service: its lock guards the files
  Tokens tokens_;
  Subjects subjects_;
  std::unique_ptr<Service> service_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Incoming> queue_;  // guarded by mutex_
  bool stopping_ = false;        // guarded by mutex_
  std::thread worker_;
  std::unique_ptr<net::HttpServer> http_, commands_;
};

}  // namespace apf::jobqueue
