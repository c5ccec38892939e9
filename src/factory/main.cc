// The program `apf`: its command line. The only file that includes CLI11.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <functional>
#include <iostream>

#include "config/suggest.h"
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

void add_import(CLI::App& app, const Registry& registry, Action& action) {
  auto* c = app.add_subcommand("import", "Make a configuration from one of AutoPyFactory; it goes to standard output");
  auto args = std::make_shared<ImportArgs>();
  c->add_option("file", args->file, "Its autopyfactory.conf, which names the other files")->required();
  c->callback([&action, &registry, args] {
    action = [&registry, args] { return import(*args, registry, std::cout, std::cerr); };
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
    action = [&registry, args] { return check(*args, registry, outside(), std::cout, std::cerr); };
  });
}

void add_run(CLI::App& app, const Registry& registry, Action& action) {
  auto* c = app.add_subcommand("run", "Run the factory, until SIGTERM; SIGHUP reloads");
  auto args = std::make_shared<RunArgs>();
  c->add_option("file", args->file, "The configuration file")->required();
  c->add_flag("--foreground", args->foreground, "Stay in the foreground (it always does)");
  c->add_option("--log", args->log, "Log to this file, rotated by size; default: standard error");
  c->add_flag("--debug", args->debug, "Log more");
  c->callback([&action, &registry, args] { action = [&registry, args] { return run(*args, registry, std::cerr); }; });
}

// A command that talks to the daemon.
CLI::App* add_asking(CLI::App& app, const char* name, const char* what, const std::shared_ptr<Target>& target) {
  auto* c = app.add_subcommand(name, what);
  c->add_option("--config", target->config, "Configuration that names the state directory")->capture_default_str();
  c->add_option("--state-dir", target->state_dir, "State directory of the factory; also APF_STATE_DIR");
  c->add_flag("--json", target->json, "Write JSON");
  return c;
}

// One without arguments of its own.
void add_simple(CLI::App& app, const char* name, const char* what, Action& action,
                int (*command)(const Target&, std::ostream&, std::ostream&)) {
  auto target = std::make_shared<Target>();
  add_asking(app, name, what, target)->callback([&action, target, command] {
    action = [target, command] { return command(*target, std::cout, std::cerr); };
  });
}

// One with a single name.
void add_named(CLI::App& app, const char* name, const char* what, const char* argument, Action& action,
               int (*command)(const Target&, const std::string&, std::ostream&, std::ostream&)) {
  auto target = std::make_shared<Target>();
  auto value = std::make_shared<std::string>();
  auto* c = add_asking(app, name, what, target);
  c->add_option(argument, *value)->required();
  c->callback([&action, target, value, command] {
    action = [target, value, command] { return command(*target, *value, std::cout, std::cerr); };
  });
}

void add_explain(CLI::App& app, const Registry& registry, Action& action) {
  auto target = std::make_shared<Target>();
  auto args = std::make_shared<SubmitFileArgs>();
  auto file = std::make_shared<bool>(false);
  auto* c = add_asking(app, "explain", "Say why a queue's last decision is what it is", target);
  c->add_option("queue", args->queue)->required();
  auto* flag = c->add_flag("--submit-file", *file, "Print what its next submission would send; needs no daemon");
  c->add_option("-n", args->n, "Pilots of that submission")->check(CLI::Range(1, 100'000))->needs(flag);
  c->callback([&action, &registry, target, args, file] {
    action = [&registry, target, args, file] {
      return *file ? submit_file(*target, *args, registry, std::cout, std::cerr)
                   : explain(*target, args->queue, std::cout, std::cerr);
    };
  });
}

void add_queues(CLI::App& app, const Registry& registry, Action& action) {
  auto* c =
      app.add_subcommand("queues", "List the configured queues, and where their values come from; needs no daemon");
  auto target = std::make_shared<Target>();
  auto args = std::make_shared<QueuesArgs>();
  c->add_option("queue", args->queue, "This queue only");
  c->add_option("--config", target->config, "The configuration file")->capture_default_str();
  c->add_flag("--origin", args->origin, "Print each value with its file and line");
  c->callback([&action, &registry, target, args] {
    action = [&registry, target, args] { return queues(*target, *args, registry, std::cout, std::cerr); };
  });
}

void add_simulate(CLI::App& app, const Registry& registry, Action& action) {
  auto* simulate = app.add_subcommand("simulate", "Try a part of a configuration on given numbers");
  simulate->require_subcommand(1);
  auto* c = simulate->add_subcommand("sched", "Print what each step of a queue's chain makes of them; needs no daemon");
  auto target = std::make_shared<Target>();
  auto args = std::make_shared<SimulateArgs>();
  c->add_option("--config", target->config, "The configuration file")->capture_default_str();
  c->add_option("queue", args->queue)->required();
  const auto number = [&](const char* name, std::int64_t& into, const char* what) {
    c->add_option(name, into, what)->check(CLI::NonNegativeNumber);
  };
  number("--ready", args->ready, "Jobs that wait in the WMS");
  c->add_option("--activated", args->ready, "The same, as AutoPyFactory's tool calls it")
      ->check(CLI::NonNegativeNumber);
  number("--pending", args->pending, "Pilots that wait");
  number("--running", args->running, "Pilots that run");
  c->add_option("--status", args->status, "Status of the site")->capture_default_str();
  c->callback([&action, &registry, target, args] {
    action = [&registry, target, args] { return simulate_sched(*target, *args, registry, std::cout, std::cerr); };
  });
}

void add_hold(CLI::App& app, const char* verb, const char* what, Action& action) {
  auto target = std::make_shared<Target>();
  auto args = std::make_shared<HoldArgs>();
  args->verb = verb;
  auto* c = add_asking(app, verb, what, target);
  c->add_option("scope", args->scope, "all, QUEUE, queue:X, batch:X or wms:X")->capture_default_str();
  c->add_option("--reason", args->reason, "Why; everybody sees it");
  c->add_option("--until", args->until, "For how long (2h), or until when in UTC (2026-11-22T10:00)");
  c->callback(
      [&action, target, args] { action = [target, args] { return hold(*target, *args, std::cout, std::cerr); }; });
}

void add_filters(CLI::App& c, PilotsArgs& args) {
  c.add_option("queue", args.queue, "Pilots of this queue only");
  c.add_option("--batch", args.batch, "Of this batch section");
  c.add_option("--node", args.node, "On this node");
  c.add_option("--state", args.state, "In these states: pending,held,running,...");
  c.add_flag("--missing", args.missing, "Those that the batch system does not show");
}

void add_remove(CLI::App& app, Action& action) {
  auto target = std::make_shared<Target>();
  auto args = std::make_shared<RemoveArgs>();
  auto* c = add_asking(app, "remove", "Remove pilots from the batch system, as filters choose", target);
  add_filters(*c, args->filter);
  c->add_option("--id", args->ids, "With these batch ids");
  c->add_option("--older", args->older, "Submitted longer ago than this: 2h");
  c->add_flag("--all", args->all, "All pilots, without a filter");
  c->add_flag("--dry-run", args->dry_run, "Only show which");
  c->add_option("--reason", args->reason, "Why; the ledger keeps it");
  c->callback([&action, target, args] {
    action = [target, args] { return remove_pilots(*target, *args, std::cout, std::cerr); };
  });
}

void add_pilots(CLI::App& app, Action& action) {
  auto target = std::make_shared<Target>();
  auto args = std::make_shared<PilotsArgs>();
  auto* c = add_asking(app, "pilots", "List pilots", target);
  add_filters(*c, *args);
  c->add_flag("--ended", args->ended, "Those that have ended, too");
  c->add_option("--limit", args->limit, "At most so many")->capture_default_str()->check(CLI::Range(1, 1000));
  c->add_option("--after", args->after, "Those with a larger number");
  add_remove(*c, action);
  c->callback([&action, target, args, c] {
    if (!c->get_subcommands().empty()) return;  // it has set the action
    action = [target, args] { return pilots(*target, *args, std::cout, std::cerr); };
  });
}

void add_replay(CLI::App& app, const Registry& registry, Action& action) {
  auto target = std::make_shared<Target>();
  auto args = std::make_shared<ReplayArgs>();
  auto* c = add_asking(app, "replay", "Compute journalled decisions again, and show what differs", target);
  c->add_option("queue", args->queue, "Of this queue only");
  c->add_option("--journal", args->journal, "A journal's file or directory; default: the factory's");
  c->callback([&action, &registry, target, args] {
    action = [&registry, target, args] { return replay(*target, *args, registry, std::cout, std::cerr); };
  });
}

void add_operators(CLI::App& app, const Registry& registry, Action& action) {
  add_simple(app, "status", "Show queues, sources, holds and alarms", action, status);
  add_explain(app, registry, action);
  add_pilots(app, action);
  add_hold(app, "pause", "Submit nothing at once, until resumed", action);
  add_hold(app, "resume", "End a pause or drain", action);
  add_hold(app, "drain", "Submit nothing, and remove pending pilots", action);
  add_hold(app, "disable", "Submit nothing, touch nothing", action);
  add_hold(app, "enable", "End a disable", action);
  add_simple(app, "reload", "Read the configuration anew, and apply all of it or nothing", action, reload);
  add_simple(app, "adopt", "Take over the pilots of this factory id", action, adopt);
  auto* batch = app.add_subcommand("batch", "Orders about a batch system")->require_subcommand(1);
  add_named(*batch, "accept-view", "Believe its next view, because you looked", "name", action, accept_view);
  auto* ledger = app.add_subcommand("ledger", "Orders about the ledger")->require_subcommand(1);
  add_simple(*ledger, "rebuild", "Begin anew from the live pilots", action, ledger_rebuild);
}

// CLI11 only says that a command is missing; a misspelt one deserves a better word. False: there is nothing to say.
bool told_unknown(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return false;
  std::vector<std::string> names;
  for (const auto* c : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(c->get_name());
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return false;
  std::string advice = config::suggest(argv[1], {names.begin(), names.end()});
  if (advice.empty()) advice = "apf --help lists them";
  const Error error{Kind::config, "cli.unknown_command", "no command '" + std::string(argv[1]) + "'", {}, advice};
  std::cerr << "apf: " << error.text() << '\n';
  return true;
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
  add_simulate(app, registry, action);
  add_queues(app, registry, action);
  add_import(app, registry, action);
  add_plugins(app, registry, action);
  add_run(app, registry, action);
  add_replay(app, registry, action);
  add_operators(app, registry, action);
  if (told_unknown(app, argc, argv)) return kBadInput;
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
