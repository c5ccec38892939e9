// A monitor that runs in the test, on an empty store (test_store.h), and calls to it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "monitor/server.h"
#include "net/http_client.h"
#include "support/test_store.h"

namespace apf::tests {

class MonitorTest : public testing::Test {
 protected:
  MonitorTest() { start(); }

  void start() {
    server_.reset();
    monitor::ServerOptions o;
    o.data = store_.directory().file("data");
    o.settings = monitor::parse_settings(store_.toml(), "test", ".").value();
    o.listen = {"127.0.0.1:0"};
    auto server = monitor::Server::start(std::move(o));
    if (!server) throw std::runtime_error(server.error().text());
    server_ = std::move(*server);
  }

  HttpReply call(const char* method, const std::string& path, const std::string& body = {}) {
    HttpRequest request;
    request.method = method;
    request.url = server_->url() + path;
    request.body = body;
    return net::fetch(request, mono_now() + seconds{60}).value();
  }

  // What is shown follows what was taken within a moment.
  template <class Condition>
  void until(const Condition& condition) {
    const Mono end = mono_now() + seconds{60};
    while (!condition()) {
      ASSERT_LT(mono_now(), end) << "never came true";
      std::this_thread::sleep_for(milliseconds{20});
    }
  }

  [[nodiscard]] db::Place place() const {
    db::Place p = store_.place();
    p.file = store_.directory().file("data/monitor.db");
    return p;
  }

  TestStore store_;
  std::unique_ptr<monitor::Server> server_;
};

}  // namespace apf::tests
