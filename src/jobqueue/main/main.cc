// The program `apf-jobqueue`: its command line. The only file of it that includes CLI11.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>

#include "jobqueue/commands.h"

namespace apf::jobqueue {
namespace {

using Action = std::function<int()>;

std::string default_data() {
  const char* set = std::getenv("APF_JOBQUEUE_DATA");  // NOLINT(concurrency-mt-unsafe): before any thread
  return set != nullptr ? set : "/var/lib/apf-jobqueue";
}

// Each add_*() declares one command; `action` is what the chosen one will do.
template <class Args>
std::shared_ptr<Args> command(CLI::App* c, Action& action, int (*run)(const Args&, std::ostream&, std::ostream&)) {
  auto args = std::make_shared<Args>();
  args->where.data = default_data();
  c->add_option("--data", args->where.data, "Data directory of the server: its address and tokens are there")
      ->capture_default_str();
  c->add_option("--url", args->where.url, "Server, when it is not the one of --data: http://127.0.0.1:25080");
  c->add_option("--ca", args->where.ca, "PEM file of the CA of an https server, when the system does not know it");
  c->add_option("--token-file", args->where.token_file, "Token, when it is not one of --data");
  c->add_flag("--json", args->where.json, "Write JSON");
  c->callback([&action, args, run] { action = [args, run] { return run(*args, std::cout, std::cerr); }; });
  return args;
}

void add_run(CLI::App& app, Action& action) {
  auto* c = app.add_subcommand("run", "Run the server until SIGTERM");
  auto args = std::make_shared<RunArgs>();
  args->data = default_data();
  c->add_option("--data", args->data, "Data directory; made when missing")->capture_default_str();
  c->add_option("--listen", args->listen, "Address and port, without TLS of loopback only; port 0: any free one")
      ->capture_default_str();
  c->add_option("--tls-certificate", args->tls_certificate, "PEM file of this server's certificate and its chain");
  c->add_option("--tls-key", args->tls_key, "PEM file of its key, when that is not in the same file");
  c->add_option("--tls-client-ca", args->tls_client_ca,
                "PEM file or directory of CAs whose certificates and proxies clients may show; see DIR/subjects");
  c->add_option("--lease", args->lease, "How long a pilot has a job without renewing")->capture_default_str();
  c->add_option("--grace", args->grace, "Added to a lease before the job is given out again")->capture_default_str();
  c->add_option("--keep", args->keep, "How long ended jobs are kept")->capture_default_str();
  c->callback([&action, args] { action = [args] { return run(*args, std::cerr); }; });
}

void add_submit(CLI::App& app, Action& action) {
  auto* c = app.add_subcommand("submit", "Submit jobs: submit --queue Q -- program args...");
  auto a = command<SubmitArgs>(c, action, submit);
  c->add_option("--queue", a->queue, "Queue (PanDA's computingSite) that the jobs wait in");
  c->add_option("--count", a->count, "Number of jobs; {i} in arguments becomes 0..N-1")->capture_default_str();
  c->add_option("--priority", a->priority, "Higher ones run first")->capture_default_str();
  c->add_option("--label", a->label, "Job label (prodSourceLabel)")->capture_default_str();
  c->add_option("--resource", a->resource, "Resource type")->capture_default_str();
  c->add_option("--attempts", a->attempts, "Tries before a job is failed")->capture_default_str();
  c->add_option("--cores", a->cores, "Cores a job uses")->capture_default_str();
  c->add_option("--walltime", a->walltime, "Limit of a job: \"1h\"");
  c->add_option("--cputime", a->cputime, "Limit of a job: \"1h\"");
  c->add_option("--memory", a->memory, "Limit of a job: \"2 GB\"");
  c->add_option("--disk", a->disk, "Limit of a job: \"10 GB\"");
  c->add_option("--name", a->name, "Name of the jobs");
  c->add_option("--env", a->environment, "NAME=VALUE for the job; may be repeated")->allow_extra_args(false);
  c->add_option("--from", a->from, "File of jobs, a JSON object a line, or - for standard input");
  c->add_option("program", a->argv, "Program and arguments");
}

void add_status(CLI::App& app, Action& action) {
  auto* c = app.add_subcommand("status", "Show counts by queue, or the jobs that are named");
  auto a = command<StatusArgs>(c, action, status);
  c->add_option("jobs", a->jobs, "Numbers of jobs");
}

void add_wait(CLI::App& app, Action& action) {
  auto* c = app.add_subcommand("wait", "Wait until every job has ended");
  auto a = command<WaitArgs>(c, action, wait);
  c->add_option("--queue", a->queue, "Only jobs of this queue");
  c->add_option("--timeout", a->timeout, "Give up after that")->capture_default_str();
}

void add_list(CLI::App& app, Action& action) {
  auto* c = app.add_subcommand("list", "List jobs");
  auto a = command<ListArgs>(c, action, list);
  c->add_option("--queue", a->queue, "Only jobs of this queue");
  c->add_option("--status", a->status, "Only jobs of this status: activated, running, finished, ...");
  c->add_option("--after", a->after, "Only numbers above this one")->capture_default_str();
  c->add_option("--limit", a->limit, "At most so many")->capture_default_str();
}

void add_cancel(CLI::App& app, Action& action) {
  auto* c = app.add_subcommand("cancel", "Cancel jobs; those that run end at their pilot's next report");
  auto a = command<CancelArgs>(c, action, cancel);
  c->add_option("jobs", a->jobs, "Numbers of jobs");
  c->add_option("--queue", a->queue, "All jobs of this queue that have not ended");
}

void add_site(CLI::App& app, Action& action) {
  auto* c = app.add_subcommand("site", "Show sites, or set the status of one");
  auto a = command<SiteArgs>(c, action, site);
  c->add_option("name", a->name, "Site (queue)");
  c->add_option("status", a->status, "online, test, offline or brokeroff");
}

int run_program(int argc, char** argv) {
  Action action;
  CLI::App app{"A small workload management system that speaks a part of PanDA's /api/v1", "apf-jobqueue"};
  app.require_subcommand(1);
  app.set_version_flag("--version", APF_VERSION);
  for (const auto add : {add_run, add_submit, add_status, add_wait, add_list, add_cancel, add_site}) add(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kGood : kBadInput;  // --help and --version end here, too
  }
  return action();
}

}  // namespace
}  // namespace apf::jobqueue

int main(int argc, char** argv) {
  try {
    return apf::jobqueue::run_program(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "apf-jobqueue: " << e.what() << "\n";
    return apf::jobqueue::kFailed;
  }
}
