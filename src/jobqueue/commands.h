// The subcommands of apf-jobqueue: arguments in, exit code out.
//
// Thread-safety: none needed; one command a process.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "apf/result.h"
#include "protocol/panda.h"

namespace apf::jobqueue {

constexpr int kGood = 0;
constexpr int kFailed = 1;    // the server refused, or a job that was waited for failed
constexpr int kBadInput = 2;  // arguments or files
constexpr int kNoServer = 3;  // not running, not reachable, token refused

struct Where {  // every command
  std::string url, data, token_file, ca;
  bool json = false;
};

struct RunArgs {
  std::string data, listen = "127.0.0.1:25080", lease = "2h", grace = "60s", keep = "7d";
  std::string tls_certificate, tls_key, tls_client_ca;
};
int run(const RunArgs& args, std::ostream& err);

struct SubmitArgs {
  Where where;
  std::string queue, label = "managed", resource = "SCORE", name, from;
  std::string walltime, cputime, memory, disk;  // with units; empty: no limit
  std::int64_t count = 1, priority = 1000;
  int attempts = 3, cores = 1;
  std::vector<std::string> environment;  // NAME=VALUE
  std::vector<std::string> argv;         // {i} becomes 0..count-1
};
int submit(const SubmitArgs& args, std::ostream& out, std::ostream& err);
// The jobs that `args` describe.
Result<std::vector<protocol::panda::JobSpec>> jobs_of(const SubmitArgs& args);

struct StatusArgs {
  Where where;
  std::vector<std::int64_t> jobs;  // none: counts by cell
};
int status(const StatusArgs& args, std::ostream& out, std::ostream& err);

struct WaitArgs {
  Where where;
  std::string queue;  // empty: all
  std::string timeout = "1d";
};
// Until no job of the queue waits or runs; kFailed when some failed or the time is over.
int wait(const WaitArgs& args, std::ostream& out, std::ostream& err);

struct ListArgs {
  Where where;
  std::string queue, status;
  std::int64_t after = 0, limit = 100;
};
int list(const ListArgs& args, std::ostream& out, std::ostream& err);

struct CancelArgs {
  Where where;
  std::vector<std::int64_t> jobs;
  std::string queue;  // all of a queue that have not ended
};
int cancel(const CancelArgs& args, std::ostream& out, std::ostream& err);

struct SiteArgs {
  Where where;
  std::string name, status;  // both empty: show all
};
int site(const SiteArgs& args, std::ostream& out, std::ostream& err);

// Writes the error and gives its exit code.
int complain(const Error& error, std::ostream& err);

}  // namespace apf::jobqueue
