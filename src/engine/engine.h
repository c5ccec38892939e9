// The shell around the core, wired together: lock, ledger, scheduler, lanes, journal, alarms, HTTP. One Engine is one
// running factory; `apf run` starts one, tests start many.
//
// Thread-safety: all members may be called from any thread, start() and stop() by one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apf/registry.h"
#include "core/factory.h"
#include "engine/ledger_reader.h"
#include "engine/metrics.h"
#include "engine/snapshots.h"

namespace apf::engine {

class Engine;
using ConfigPtr = std::shared_ptr<const core::Config>;

// What a reload changed, for the log and for people.
struct ReloadReport {
  std::string version;
  std::vector<std::string> added, gone, changed;  // queues
  std::vector<std::string> lines;                 // everything in words: "queue 'BNL': weight 1 -> 2"
  std::vector<std::string> needs_restart;         // settings that take effect at the next start only
  [[nodiscard]] std::string text() const;         // all of it, a line each
};

// A configuration that was read and checked, and is not in force yet.
struct Candidate {
  ConfigPtr config;
  ReloadReport report;
  std::function<void()> accept = {};  // called when it is in force
};

struct EngineOptions {
  ConfigPtr config;
  const Registry* registry = nullptr;
  std::function<Result<Candidate>()> load = {};  // reads the configuration anew, for reload()
  std::string user{};                            // the factory's user, for people
  std::string bootstrap_file{},
      wrapper_file{};  // apf-bootstrap.sh and apf-wrapper.tar.gz, absolute; empty: there is none
};

class Engine {
 public:
  // Errors of kind config when something stands in the way: "engine.locked", "net.address_in_use", "store.corrupt", ...
  static Result<std::unique_ptr<Engine>> start(EngineOptions options);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  // Ends within 2 s: running submissions get 1 s to end by themselves, other calls are ended at once. False when a
  // plug-in's call still hangs: its thread is left behind, and the process has to end by _exit without destroying the
  // engine.
  bool stop();

  [[nodiscard]] const Snapshots& snapshots() const;
  [[nodiscard]] std::vector<core::Alarm> alarms() const;  // the core's and the shell's own
  [[nodiscard]] ShellStats stats() const;
  [[nodiscard]] ConfigPtr config() const;
  [[nodiscard]] std::shared_ptr<const FactoryIdentity> me() const;
  [[nodiscard]] std::string journal_directory() const;
  [[nodiscard]] std::string control_socket() const;  // operators' side of the API
  [[nodiscard]] std::string address() const;         // "127.0.0.1:41234"; empty: no HTTP
  LedgerReader& ledger();                            // blocks

  // Reads, checks and applies the configuration, all or nothing. Blocks.
  Result<ReloadReport> reload();

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace apf::engine
