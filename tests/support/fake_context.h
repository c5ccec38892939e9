// A Context for tests of plug-ins: what it is asked for comes from functions of the test, what is logged is kept.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "apf/context.h"

namespace apf::tests {

class FakeContext final : public Context {
 public:
  std::function<Result<HttpReply>(const HttpRequest&)> on_http;
  std::function<Result<Finished>(const Command&)> on_run;
  std::map<std::string, std::string, std::less<>> credentials;  // by file
  std::vector<std::pair<Level, std::string>> logged;
  Mono ends = mono_now() + seconds{3600};
  bool stops = false;
  std::vector<Duration> slept;  // asked for; nobody waits

  [[nodiscard]] Mono deadline() const override { return ends; }
  [[nodiscard]] bool stopping() const override { return stops; }
  void log(Level level, std::string_view message) override { logged.emplace_back(level, message); }
  Result<Finished> run(const Command& command) override {
    if (on_run) return on_run(command);
    return fail(Kind::config, "test.no_command", "the test expects no command", command.argv.at(0));
  }
  Result<HttpReply> http(const HttpRequest& request) override {
    if (on_http) return on_http(request);
    return fail(Kind::transient, "test.no_http", "the test expects no request", request.url);
  }
  Result<std::string> credential(std::string_view file) override {
    const auto it = credentials.find(file);
    if (it != credentials.end()) return it->second;
    return fail(Kind::config, "test.no_credential", "the test has no such credential", std::string(file));
  }
  void sleep(Duration d) override { slept.push_back(d); }
};

}  // namespace apf::tests
