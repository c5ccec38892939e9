// The factory's HTTP face. One Api serves two servers: the TCP one that anybody who reaches it may read (and pilots
// report to), and the Unix socket in the state directory, over which operators also give orders.
//
//   GET  /api/v1/status                   everything `apf status` shows
//   GET  /api/v1/queues, /api/v1/queues/{q}
//   GET  /api/v1/pilots?queue=&batch=&batch_id=&submission=&node=&state=a,b&ended=1&missing=1&limit=&after=
//   GET  /api/v1/decisions?queue=&limit=  newest first
//   GET  /healthz                         200, or 503 with reasons
//   GET  /metrics                         Prometheus
//   GET  /logs/...                        the pilots' logs (log_files.h)
//   GET  /wrapper/{SHA-256}.tar.gz (never changes, for caches), /wrapper/apf-bootstrap.sh
//   POST /apfmon/jobs/{factory id}:{batch id}      a wrapper's report (protocol/apfmon.h), with its report key
//   over the Unix socket only, JSON bodies; all are answered when the ledger has them:
//   POST /api/v1/holds {"verb":"pause|disable|drain|resume|enable","scope":"all|batch:X|wms:X|queue:X",
//                                          "reason":"","until_ms":0}
//   POST /api/v1/pilots/remove            {"pilots":[numbers],"reason":""}
//   POST /api/v1/batch/accept-view        {"batch":"X"}
//   POST /api/v1/adopt, /api/v1/reload    {}
// Who asked is the user on the other side of the socket.
//
// Errors are {"error":{"kind","code","what","where","advice"}}: "api.not_found" (404), "api.bad_request" (400),
// "api.method" (405), "api.forbidden" (403), "api.busy" (503), "api.report_refused" (401), and what the ports say (409,
// 503 when it may work later).
//
// Thread-safety: all members may be called from any thread.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/factory.h"
#include "engine/journal_reader.h"
#include "engine/json_forms.h"
#include "engine/ledger_reader.h"
#include "engine/metrics.h"
#include "net/http_server.h"

namespace apf::engine {

// Where the API gets its answers. Those marked (worker) may block: they run on the Api's own thread, the others on the
// servers' threads.
struct ApiPorts {
  std::function<std::shared_ptr<const core::FactorySnapshot>()> factory;  // null: not begun yet
  std::function<QueueSnapshots()> queues;                                 // by name
  std::function<ShellStats()> stats;
  std::function<std::vector<core::Alarm>()> alarms;  // the shell's own, shown beside the core's
  std::function<Result<std::vector<core::Pilot>>(const PilotFilter&)> pilots;                       // (worker)
  std::function<std::vector<DecisionEntry>(const std::string& queue, std::size_t most)> decisions;  // (worker)
  std::function<std::string(const std::string& submission)> report_key;
  std::function<void(core::PilotReported)> reported;
  // Posts an operator's word; `done` is called once, from any thread, when it is committed.
  std::function<void(core::Event, std::function<void(Status)> done)> order;
  std::function<Result<std::string>()> reload;  // (worker) says what changed
  std::function<Mono()> mono = mono_now;
  std::function<Wall()> wall = wall_now;
};

struct ApiOptions {
  std::string factory_id;
  std::string log_dir;                            // empty: no /logs/
  std::string wrapper_directory, bootstrap_file;  // absolute paths; empty: not served
};

class Api {
 public:
  Api(ApiPorts ports, ApiOptions options);
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;
  ~Api();  // the servers are stopped before

  enum class Side : std::uint8_t { readers, operators };
  [[nodiscard]] net::Handler handler(Side side);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace apf::engine
