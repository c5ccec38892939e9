// The program `apf-monitor`: its command line. The only file of it that includes CLI11.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>

#include "monitor/commands.h"

namespace apf::monitor {
namespace {

using Action = std::function<int()>;

std::string default_data() {
  const char* set = std::getenv("APF_MONITOR_DATA");  // NOLINT(concurrency-mt-unsafe): before any thread
  return set != nullptr ? set : "/var/lib/apf-monitor";
}

// That of the packages, where there is one.
std::string default_config() {
  constexpr const char* file = "/etc/apf/monitor.toml";
  std::error_code none;
  return std::filesystem::exists(file, none) ? file : "";
}

void add_run(CLI::App& app, Action& action) {
  auto* c = app.add_subcommand("run", "Run the server until SIGTERM");
  auto args = std::make_shared<RunArgs>();
  args->data = default_data();
  args->config = default_config();
  c->add_option("--config", args->config,
                "Configuration, TOML (default: /etc/apf/monitor.toml where it exists, else none)");
  c->add_option("--data", args->data, "Data directory; made when missing")->capture_default_str();
  c->add_option("--listen", args->listen, "ADDRESS:PORT, instead of those of the configuration; may be repeated")
      ->allow_extra_args(false);
  c->callback([&action, args] { action = [args] { return run(*args, std::cerr); }; });
}

using TokenCommand = int (*)(const TokenArgs&, std::ostream&, std::ostream&);

void add_token_command(CLI::App& token, Action& action, const char* name, const char* summary, TokenCommand run) {
  auto* c = token.add_subcommand(name, summary);
  auto args = std::make_shared<TokenArgs>();
  args->data = default_data();
  c->add_option("--data", args->data, "Data directory of the monitor")->capture_default_str();
  if (run != list_tokens) {
    c->add_option("name", args->name, "Factory, or with --admin a person")->required();
    c->add_flag("--admin", args->admin, "A token that may tell news of every factory and give orders");
  }
  c->callback([&action, args, run] { action = [args, run] { return run(*args, std::cout, std::cerr); }; });
}

void add_token(CLI::App& app, Action& action) {
  auto* c = app.add_subcommand("token", "Tokens with which factories tell news and people give orders");
  c->require_subcommand(1);
  add_token_command(*c, action, "create", "Make a token and show it; it is shown only now", create_token);
  add_token_command(*c, action, "revoke", "Make all tokens of a name invalid", revoke_token);
  add_token_command(*c, action, "list", "Show whose tokens there are", list_tokens);
}

int run_program(int argc, char** argv) {
  Action action;
  CLI::App app{"Shows what factories and their pilots do, and what is wrong", "apf-monitor"};
  app.require_subcommand(1);
  app.set_version_flag("--version", APF_VERSION);
  for (const auto add : {add_run, add_token}) add(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kGood : kBadInput;  // --help and --version end here, too
  }
  return action();
}

}  // namespace
}  // namespace apf::monitor

int main(int argc, char** argv) {
  try {
    return apf::monitor::run_program(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "apf-monitor: " << e.what() << "\n";
    return apf::monitor::kFailed;
  }
}
