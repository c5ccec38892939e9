// The program `apf`: its command line. The only file that includes CLI11.
#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <iostream>

#include "factory/commands.h"

namespace apf::factory {
namespace {

using Action = std::function<int()>;

// Each add_*() declares one command; `action` is what the chosen one will do. The arguments live as long as `app`.
void add_decide(CLI::App& app, const Registry& registry, Action& action) {
  auto* c = app.add_subcommand("decide", "Run sched chains over inputs: JSON lines in, JSON lines out");
  auto args = std::make_shared<DecideArgs>();
  c->add_flag("--message", args->message, "Add each decision's message");
  c->callback([&action, &registry, args] {
    action = [&registry, args] { return decide(*args, registry, std::cin, std::cout, std::cerr); };
  });
}

void add_plugins(CLI::App& app, const Registry& registry, Action& action) {
  auto* c = app.add_subcommand("plugins", "List plug-ins and their options");
  auto args = std::make_shared<PluginsArgs>();
  c->add_option("kind", args->kind, "wms, batch, sched, monitor or config");
  c->add_option("name", args->name, "Plug-in whose options are shown");
  auto* json = c->add_flag("--json", args->json, "Write JSON");
  c->add_flag("--markdown", args->markdown, "Write the whole configuration reference")->excludes(json);
  c->callback([&action, &registry, args] {
    action = [&registry, args] { return plugins(*args, registry, std::cout, std::cerr); };
  });
}

void add_check(CLI::App& app, const Registry& registry, Action& action) {
  auto* c = app.add_subcommand("check", "Validate a configuration: every error at once, with file and line");
  auto args = std::make_shared<CheckArgs>();
  c->add_option("file", args->file, "The configuration file")->required();
  c->add_flag("--offline", args->offline, "Contact nothing");
  c->add_flag("--strict", args->strict, "Fail when a file is missing or a source does not answer");
  c->add_flag("--show", args->show, "Print what is in force, and where each value comes from");
  c->callback([&action, &registry, args] {
    action = [&registry, args] { return check(*args, registry, Outside{}, std::cout, std::cerr); };
  });
}

int run_program(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  Registry registry;
  register_all(registry);
  Action action;
  CLI::App app{"AutoPilotFactory: keeps pilots flowing to sites in proportion to the work that waits for them", "apf"};
  app.require_subcommand(1);
  app.set_version_flag("--version", APF_VERSION);
  add_check(app, registry, action);
  add_decide(app, registry, action);
  add_plugins(app, registry, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kGood : kBadInput;  // --help and --version end here, too
  }
  return action();
}

}  // namespace
}  // namespace apf::factory

int main(int argc, char** argv) {
  try {
    return apf::factory::run_program(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "apf: internal error: " << e.what() << " [bug]\n";
    return apf::factory::kFailed;
  }
}
