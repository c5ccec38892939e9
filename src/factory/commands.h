// The commands of `apf`, as plain functions: main.cc knows the command line's syntax, these know what to do.
// Each returns the exit code: 0 good, 1 it failed, 2 the input or the configuration is wrong, 3 no
// daemon answers.
//
// Thread-safety: one thread.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "apf/registry.h"
#include "config/load.h"
#include "factory/client.h"

namespace apf::factory {

constexpr int kGood = 0;
constexpr int kFailed = 1;
constexpr int kBadInput = 2;
constexpr int kNotRunning = 3;  // no daemon answers

// Writes a configuration made from AutoPyFactory's; notes go to `err`. 1: it still needs a hand
// (docs/autopyfactory.md).
struct ImportArgs {
  std::string file;  // autopyfactory.conf
};
int import(const ImportArgs& args, const Registry& registry, std::ostream& out, std::ostream& err);

// The queues that are configured, local ones and those of config plug-ins; with `origin` all their values, and where
// each comes from.
struct QueuesArgs {
  std::string queue;  // empty: all
  bool origin = false;
};
int queues(const Target& target, const QueuesArgs& args, const Registry& registry, std::ostream& out,
           std::ostream& err);

// What a queue's chain makes of these numbers, from the configuration alone.
struct SimulateArgs {
  std::string queue;
  std::int64_t ready = 0, pending = 0, running = 0;
  std::string status = "online";
};
int simulate_sched(const Target& target, const SimulateArgs& args, const Registry& registry, std::ostream& out,
                   std::ostream& err);

// Runs sched chains over inputs: one JSON object a line in, one a line out (docs/sched.md has the form).
struct DecideArgs {
  bool message = false;  // add the message in the original's form
};
int decide(const DecideArgs& args, const Registry& registry, std::istream& in, std::ostream& out, std::ostream& err);

// What plug-ins there are, and their options; with neither kind nor name: all of them.
struct PluginsArgs {
  std::string kind, name;
  bool json = false;
  bool markdown = false;  // the whole configuration reference: docs/configuration.md
};
int plugins(const PluginsArgs& args, const Registry& registry, std::ostream& out, std::ostream& err);

// How a command reaches the world outside; empty members: it does not.
struct Outside {
  config::Fetch fetch;                                                                // asks config plug-ins
  std::function<config::Errors(const config::Loaded&, const Registry&)> unreachable;  // sources that do not answer
};
// The real one.
Outside outside();

// Validates a configuration; unless offline, also asks config plug-ins, looks whether the files it names are there and
// whether its sources answer. What is missing outside is a warning: it may come up later.
struct CheckArgs {
  std::string file;
  bool offline = false;
  bool strict = false;  // a warning fails the check (exit code 1)
  bool show = false;    // print what is in force, and where each value comes from
};
int check(const CheckArgs& args, const Registry& registry, const Outside& outside, std::ostream& out,
          std::ostream& err);

// The factory as a daemon, in the foreground, until SIGTERM or SIGINT. SIGHUP reloads.
struct RunArgs {
  std::string file;
  std::string log;  // empty: standard error
  bool debug = false, foreground = true;
};
int run(const RunArgs& args, const Registry& registry, std::ostream& err);

// ---- commands that talk to the daemon; with target.json they write what the API answers ----

int status(const Target& target, std::ostream& out, std::ostream& err);
int explain(const Target& target, const std::string& queue, std::ostream& out, std::ostream& err);

// What a queue's next submission would send to its batch system, from the configuration alone: no daemon is asked.
struct SubmitFileArgs {
  std::string queue;
  std::int32_t n = 1;  // pilots of the example
};
int submit_file(const Target& target, const SubmitFileArgs& args, const Registry& registry, std::ostream& out,
                std::ostream& err);

// Which pilots; empty members match all.
struct PilotsArgs {
  std::string queue, batch, node;
  std::string state;  // "pending,held"
  bool ended = false, missing = false;
  std::uint64_t after = 0;
  std::int64_t limit = 100;
};
std::string pilot_query(const PilotsArgs& args);
int pilots(const Target& target, const PilotsArgs& args, std::ostream& out, std::ostream& err);

struct RemoveArgs {
  PilotsArgs filter;
  std::vector<std::string> ids;  // batch ids
  std::string older;             // submitted longer ago than this: "2h"
  std::string reason;
  bool dry_run = false, all = false;
};
int remove_pilots(const Target& target, const RemoveArgs& args, std::ostream& out, std::ostream& err);

struct HoldArgs {
  std::string verb;           // pause|resume|drain|enable|disable
  std::string scope = "all";  // or batch:X, wms:X, queue:X; a bare name is a queue's
  std::string reason, until;
};
int hold(const Target& target, const HoldArgs& args, std::ostream& out, std::ostream& err);
int reload(const Target& target, std::ostream& out, std::ostream& err);
int accept_view(const Target& target, const std::string& batch, std::ostream& out, std::ostream& err);
int adopt(const Target& target, std::ostream& out, std::ostream& err);
int ledger_rebuild(const Target& target, std::ostream& out, std::ostream& err);

// Computes the decisions of a journal again; 1 when one comes out otherwise.
struct ReplayArgs {
  std::string journal;  // file or directory; empty: the daemon's
  std::string queue;    // empty: all
};
int replay(const Target& target, const ReplayArgs& args, const Registry& registry, std::ostream& out,
           std::ostream& err);

}  // namespace apf::factory
