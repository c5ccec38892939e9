// The commands of `apf`, as plain functions: main.cc knows the command line's syntax, these know what to do.
// Each returns the exit code: 0 good, 1 it failed, 2 the input or the configuration is wrong.
//
// Thread-safety: one thread.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "apf/registry.h"
#include "config/load.h"

namespace apf::factory {

constexpr int kGood = 0;
constexpr int kFailed = 1;
constexpr int kBadInput = 2;

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

}  // namespace apf::factory
