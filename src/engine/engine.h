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
#include "engine/snapshots.h"
#include "net/http_server.h"

namespace apf::engine {

class Engine;
using ConfigPtr = std::shared_ptr<const core::Config>;

// What a reload changed, for the log and for people.
struct ReloadReport {
  std::string version;
  std::vector<std::string> added, gone, changed;  // queues
  std::vector<std::string> lines;                 // everything in words: "queue 'BNL': weight 1 -> 2"
  std::vector<std::string> needs_restart;         // settings that take effect at the next start only
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
  std::function<Result<Candidate>()> load = {};              // reads the configuration anew, for reload()
  std::string user{};                                        // the factory's user, for people
  std::string bootstrap{}, wrapper_url{}, wrapper_sha256{};  // see FactoryIdentity
  // Answers what is neither a report nor a control verb: the API, metrics, logs, pages. Must not block: blocking work
  // goes to Engine::serve().
  std::function<void(Engine&, const net::Request&, const net::ReplyPtr&)> api = {};
  std::function<void()> on_stop = {};  // an operator asked over the control socket
};

// How the shell itself is doing, for /healthz and metrics.
struct ShellStatus {
  int workers = 0;
  std::vector<std::string> overdue;  // calls that hang
  std::int64_t journal_dropped = 0;
  std::uint64_t passes = 0, commits = 0, commit_failures = 0;
  std::int64_t reports = 0, reports_refused = 0;
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

  // ---- what is ----
  [[nodiscard]] const Snapshots& snapshots() const;
  [[nodiscard]] std::vector<core::Alarm> alarms() const;  // the core's and the shell's own
  [[nodiscard]] ShellStatus shell() const;
  [[nodiscard]] ConfigPtr config() const;
  [[nodiscard]] std::shared_ptr<const FactoryIdentity> me() const;
  [[nodiscard]] std::string journal_directory() const;
  [[nodiscard]] std::string control_socket() const;
  [[nodiscard]] std::string address() const;  // "127.0.0.1:41234"; empty: no HTTP
  LedgerReader& ledger();                     // blocks: call it in serve()

  // ---- what is to be done ----
  // Runs blocking work for a reply on one of a few workers; false: too much waits already (answer 503).
  bool serve(std::function<void()> work);
  // Gives the core an event; `done` when what it changed is committed.
  void post(core::Event event, std::function<void(Status)> done = {});
  // A wrapper's report that has shown its key.
  void report(core::PilotReported report);
  [[nodiscard]] bool report_key_fits(const std::string& submission, const std::string& key) const;
  void count_refused_report();
  // Reads, checks and applies the configuration, all or nothing. Blocks.
  Result<ReloadReport> reload();
  // `apf adopt`: the state directory is this factory's, its pilots are taken over (R9).
  void adopt(const std::string& who, std::function<void(Status)> done);
  void ask_to_stop();

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace apf::engine
