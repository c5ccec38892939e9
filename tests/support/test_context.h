// A Context for tests of plug-ins: commands really run, there is no network, what is logged is kept.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "apf/context.h"
#include "process/supervisor.h"

namespace apf::tests {

class TestContext final : public Context {
 public:
  [[nodiscard]] Mono deadline() const override { return mono_now() + seconds{30}; }
  [[nodiscard]] bool stopping() const override { return false; }
  void log(Level level, std::string_view message) override { logged.push_back({level, std::string(message)}); }
  Result<Finished> run(const Command& command) override {
    process::Limits limits;
    limits.deadline = deadline();
    return process::run(command, limits);
  }
  Result<HttpReply> http(const HttpRequest& /*request*/) override { return fail(Kind::bug, "test", "not here"); }
  Result<std::string> credential(std::string_view /*file*/) override { return fail(Kind::bug, "test", "not here"); }
  void sleep(Duration d) override { std::this_thread::sleep_for(d); }

  struct Logged {
    Level level;
    std::string message;
  };
  std::vector<Logged> logged;
};

}  // namespace apf::tests
