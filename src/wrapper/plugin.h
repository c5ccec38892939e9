// What a kind of pilot does on the node. A plug-in is a file of kinds/ with a row in plugin.cc.
//
// session.cc drives it: prepare, run, finish, in this order. What every kind needs is done around it: secrets, reports,
// the scratch directory, the checks of the node, the last line.
//
// Thread-safety: one thread drives a plug-in.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wrapper/code/kit.h"
#include "wrapper/options/options.h"
#include "wrapper/payload/scratch.h"
#include "wrapper/report/reporter.h"
#include "wrapper/report/summary.h"

namespace apf::wrapper {

// What a plug-in works with; outlives it.
struct Surroundings {
  const Options& options;
  const std::string& token;  // for the WMS; empty: none
  const std::string& node;   // name of this node
  Reporter& reporter;
  const Scratch& scratch;
  const Kit& kit;
};

// A pilot ends before it began its work: exit code (exit_codes.h) and a sentence.
struct Ending {
  int rc = 0;
  std::string reason;
};

class Plugin {
 public:
  Plugin() = default;
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  virtual ~Plugin() = default;

  // Gets what run() needs (fetches and checks the pilot's code). An ending: run() is not called.
  virtual std::optional<Ending> prepare() { return std::nullopt; }
  // The work itself, until there is none or the pilot is told to end (signals::ending()).
  virtual Summary run() = 0;
  // Called once after prepare(), however it and run() went. Adds to the summary what only the end shows.
  virtual void finish(Summary& /*summary*/) {}
};

struct PluginKind {
  std::string_view name, doc;
  bool asks_wms = false;         // takes jobs from the WMS itself: --wrapperwmsurl is required
  bool needs_queue = false;      // --wrapperwmsqueue is required
  bool takes_arguments = false;  // words of the command line that are no options of ours go to the pilot
  bool shares_secrets = false;  // what it runs speaks to the WMS itself and needs the tokens that its environment names
  std::unique_ptr<Plugin> (*make)(const Surroundings&) = nullptr;
};
std::span<const PluginKind> plugin_kinds();
const PluginKind* find_plugin(std::string_view name);  // nullptr: there is none
std::string plugin_names();                            // "generic, trivial", for messages

}  // namespace apf::wrapper
