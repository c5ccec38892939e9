// The running monitor: data directory, store, HTTP servers, and the parts that answer.
//
// DIR/lock, DIR/address   see serve/data_dir.h
//
// Thread-safety: start, stop and destruction by one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "monitor/figures.h"
#include "monitor/router.h"
#include "monitor/settings.h"
#include "net/http_server.h"
#include "serve/data_dir.h"

namespace apf::monitor {

struct ServerOptions {
  std::string data;
  Settings settings;
  std::vector<std::string> listen;  // instead of [server] listen
  std::function<void(const std::string&)> log = [](const std::string&) {};
};

// What each part gets to add its routes. Outlives them.
struct Parts {
  const Settings& settings;
  const serve::DataDir& dir;
  Board& board;
  std::function<void(const std::string&)> log;
};

class Server {
 public:
  // Errors (config): "monitor.not_loopback", those of serve/data_dir.h, of net and of the store.
  static Result<std::unique_ptr<Server>> start(ServerOptions options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  [[nodiscard]] std::string url() const;  // of the first address
  void stop();                            // harmless twice

 private:
  explicit Server(ServerOptions options);
  Status prepare();
  Status listen(const std::string& address);

  ServerOptions options_;
  serve::DataDir dir_;
  Board board_;
  Parts parts_;
  Router router_;
  std::vector<std::unique_ptr<net::HttpServer>> http_;
  std::vector<std::string> addresses_;
};

}  // namespace apf::monitor
