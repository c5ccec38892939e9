// The running monitor: data directory, store, HTTP servers, and the parts that answer.
//
// DIR/lock, DIR/address   see serve/data_dir.h
// DIR/monitor.db          the store, unless it is PostgreSQL
//
// Thread-safety: start, stop and destruction by one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "monitor/access/access.h"
#include "monitor/alarms/alarms.h"
#include "monitor/figures.h"
#include "monitor/logs/logs.h"
#include "monitor/news/udp.h"
#include "monitor/router.h"
#include "monitor/settings.h"
#include "monitor/show/events.h"
#include "monitor/show/links.h"
#include "monitor/store/readers.h"
#include "monitor/store/writer.h"
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
  Writer& writer;    // news in
  Readers& readers;  // threads that read the store
  Access& access;
  const Links& links;
  std::function<void(const std::string&)> log;
};

class Server {
 public:
  // Errors (config): "monitor.not_loopback", "logs.bad_origin", "links.bad_template", those of serve/data_dir.h, of net
  // and of the store.
  static Result<std::unique_ptr<Server>> start(ServerOptions options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  [[nodiscard]] std::string url() const;  // of the first address
  [[nodiscard]] std::uint16_t udp_port() const { return udp_ ? udp_->port() : std::uint16_t{0}; }
  void stop();  // harmless twice

 private:
  explicit Server(ServerOptions options) : options_(std::move(options)) {}
  Status prepare();
  Status start_alarms();
  Status start_udp();
  Status listen(const std::string& address);

  ServerOptions options_;
  serve::DataDir dir_;
  Board board_;
  Links links_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<Events> events_;  // the writer tells it of commits
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Readers> readers_;
  std::unique_ptr<Alarms> alarms_;
  std::unique_ptr<Udp> udp_;
  std::unique_ptr<Parts> parts_;  // once all that it names is there
  std::unique_ptr<Logs> logs_;
  Router router_;
  std::vector<std::unique_ptr<net::HttpServer>> http_;
  std::vector<std::string> addresses_;
};

}  // namespace apf::monitor
