// Monitor plug-in that tells an APFMon server (the original one, apf-monitor, or any that speaks its protocol) of the
// factory, its queues, their decisions and their pilots.
//
// Thread-safety: an instance is used by one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "apf/monitor.h"
#include "monitor/backlog.h"

namespace apf::apfmon {

struct Settings {
  std::string url, email, token_file;
  HttpRequest access;  // ca_file, client_cert, client_key, proxy
  Duration interval = seconds{60};
  std::size_t longest_queue = 20'000;
};

class Reporter final : public Monitor {
 public:
  explicit Reporter(const Settings& settings) : settings_(settings), pilots_(settings.longest_queue) {}
  Status tell(const FactoryIdentity& me, std::span<const PilotNote> pilots, std::span<const QueueNote> queues,
              Context& context) override;
  void try_now() { pause_.end(); }  // for tests

 private:
  // Of a pilot: what the server has not been told, in the order in which it wants to hear it.
  struct PilotNews {
    std::string batch_id, label;
    bool created = false, running = false;
    std::optional<PilotState> end;
    std::int32_t exit_code = -1;
    std::string reason, node;
  };
  struct LabelNews {
    std::string wms_queue, batch;
    Mono announced;  // ns 0: not yet
    std::string message, told;
    Mono told_at;
  };

  void take(const PilotNote& note);
  void take(const QueueNote& note);
  Status send_all(const FactoryIdentity& me, Mono end, Context& context);
  Status announce(const FactoryIdentity& me, Context& context);
  Status send_new_pilots(const FactoryIdentity& me, Context& context);
  Status send_states(const FactoryIdentity& me, Mono end, Context& context);
  Status send_state(const FactoryIdentity& me, const PilotNews& news, const char* state, Context& context) const;
  Status send_messages(const FactoryIdentity& me, Mono end, Context& context);
  Status send(const char* method, const std::string& path, std::string body, const char* type, Context& context) const;

  Settings settings_;
  monitoring::Backlog<std::uint64_t, PilotNews> pilots_;  // by their number in the ledger
  std::map<std::string, LabelNews> labels_;
  Mono announced_;    // the factory; ns 0: not yet
  int refusals_ = 0;  // of the same new pilots
  monitoring::Pause pause_;
};

}  // namespace apf::apfmon
