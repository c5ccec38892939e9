// Monitor plug-in that tells a PanDA server of the factory's pilots: their states and links to their logs
// (update_workers), and how many there are (report_worker_statistics).
//
// Thread-safety: an instance is used by one thread at a time.
#pragma once

#include <map>
#include <string>

#include "apf/monitor.h"
#include "monitor/backlog.h"
#include "panda/connection.h"
#include "protocol/panda_harvester.h"

namespace apf::panda {

struct ReporterSettings {
  Access access;
  std::string harvester_id, host;
  Duration interval = seconds{30};
  Duration counts_interval = seconds{300};
  std::size_t batch = 100;
  std::size_t longest_queue = 20'000;
};

// PanDA's word for a pilot's state; `exit_code` of one that has ended by itself.
const char* worker_status(PilotState state, std::int32_t exit_code);
protocol::panda::Worker worker_of(const FactoryIdentity& me, const PilotNote& note, std::int64_t first_worker);

// Worker ids must never come twice under a harvester id, but the ledger's numbers begin anew with a new state
// directory. So they are counted from the time at which the state directory was first asked, which is kept there, in
// the file "panda-first-worker". Errors: those of apf/files.h.
Result<std::int64_t> first_worker(const FactoryIdentity& me);

class PandaReporter final : public Monitor {
 public:
  explicit PandaReporter(const ReporterSettings& settings)
      : settings_(settings), connection_(settings.access), waiting_(settings.longest_queue), batch_(settings.batch) {}
  Status tell(const FactoryIdentity& me, std::span<const PilotNote> pilots, std::span<const QueueNote> queues,
              Context& context) override;
  void introduce(FactoryIdentity& me) const override;
  void try_now() { pause_.end(); }  // for tests: ends the pause after a failure

 private:
  struct WorkerNews {
    protocol::panda::Worker worker;  // in its newest state
    int refused = 0;                 // how often, alone in a request
  };
  struct QueueSeen {
    QueueNote note;
    Mono at;
  };
  struct Site {
    std::map<std::string, QueueSeen> queues;  // those that serve it
    Mono told_at;                             // ns 0: never
    bool changed = false;
  };

  void take(const FactoryIdentity& me, const PilotNote& note);
  void take(const QueueNote& note);
  Status find_first(const FactoryIdentity& me);
  Status send_workers(Context& context);
  void split_batch(const Error& error, std::size_t sent, Context& context);
  Status send_counts(Context& context, Mono end);
  Result<HttpReply> post(const char* path, std::string body, bool legacy, Context& context);
  // One exchange in the form that the server has; it says so itself when it lacks the new one.
  Status exchange(const char* path, const char* legacy_path, const std::string& body, const std::string& legacy_body,
                  Status (*read)(int, std::string_view), Status (*read_legacy)(int, std::string_view),
                  Context& context);

  ReporterSettings settings_;
  Connection connection_;
  std::map<std::size_t, bool> legacy_;  // by server
  std::string instance_;                // whose first_worker_ is known
  std::int64_t first_worker_ = 0;
  monitoring::Backlog<std::int64_t, WorkerNews> waiting_;
  Mono oldest_;        // when the first of them came
  std::size_t batch_;  // in the next request at most
  std::map<std::string, Site> sites_;
  monitoring::Pause pause_;
};

}  // namespace apf::panda
