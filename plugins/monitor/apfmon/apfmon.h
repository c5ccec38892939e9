// Monitor plug-in that tells a monitor of the factory, its queues, their decisions and their pilots: an apf-monitor by
// its own bulk calls (docs/monitor-protocols.md), any other one as AutoPyFactory told APFMon.
//
// Thread-safety: an instance is used by one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "apf/monitor.h"
#include "monitor/backlog.h"

namespace apf::apfmon {

// The calls that a server understands. `unknown`: it is asked before anything is told.
enum class Api : std::uint8_t { unknown, apfmon, v1 };

struct Settings {
  std::string url, email, token_file;
  Api api = Api::unknown;  // unknown: find out
  HttpRequest access;      // ca_file, client_cert, client_key, proxy
  Duration interval = seconds{60};
  std::size_t longest_queue = 20'000;
  bool hears_pilots = false;  // they report to this server themselves
};

// Of a pilot: what the server has not been told, in the order in which it wants to hear it.
struct PilotNews {
  std::string batch_id, label, submission;
  std::uint32_t index = 0, together = 0;
  std::string report_key_sha256;  // empty: its pilots don't report to this server
  bool created = false, running = false;
  std::optional<PilotState> end;
  Wall created_at, started_at, ended_at;  // 0: not known
  std::optional<bool> held;
  std::int32_t exit_code = -1, payloads = -1;
  std::string reason, hold_reason, node, profile;
  std::string logs;  // monitoring::log_urls()
};

struct LabelNews {
  std::string wms_queue, batch, site, cloud;
  Mono announced;  // ns 0: not yet
  std::string message, told;
  Wall at;  // of the message
  Mono told_at;
};

// Errors: Kind::transient "apfmon.refused" (the server will never take this request), "apfmon.status" (it may later),
// those of Context::http; Kind::config "apfmon.bad_token".
class Server {
 public:
  explicit Server(Settings settings) : settings_(std::move(settings)) {}
  Status send(const char* method, const std::string& path, std::string body, const char* type, Context& context) const;
  Result<HttpReply> ask(HttpRequest request, Context& context) const;  // method, body, headers; `url` is the path
  [[nodiscard]] const Settings& settings() const { return settings_; }

 private:
  Settings settings_;
};
bool hopeless(const Error& error);  // "apfmon.refused"

class Reporter final : public Monitor {
 public:
  explicit Reporter(const Settings& settings)
      : server_(settings), api_(settings.api), pilots_(settings.longest_queue) {}
  void introduce(FactoryIdentity& me) const override;
  Status tell(const FactoryIdentity& me, std::span<const PilotNote> pilots, std::span<const QueueNote> queues,
              Context& context) override;
  void try_now() { pause_.end(); }  // for tests

 private:
  void take(const FactoryIdentity& me, const PilotNote& note);
  void take(const QueueNote& note);
  void tell_anew();  // factory and labels
  Status find_api(Context& context);
  Status send_all(const FactoryIdentity& me, Mono end, Context& context);

  // As APFMon has it, one thing a call: classic.cc.
  Status classic_announce(const FactoryIdentity& me, Context& context);
  Status classic_new_pilots(const FactoryIdentity& me, Context& context);
  Status classic_states(const FactoryIdentity& me, Mono end, Context& context);
  Status classic_state(const FactoryIdentity& me, const PilotNews& news, const char* state, Context& context) const;
  Status classic_messages(const FactoryIdentity& me, Mono end, Context& context);

  // In bulk: bulk.cc.
  Status bulk(const FactoryIdentity& me, Mono end, Context& context);
  Status bulk_labels(const FactoryIdentity& me, Mono end, Context& context);
  Status bulk_pilots(const FactoryIdentity& me, std::size_t n, Context& context);
  [[nodiscard]] bool message_due(const LabelNews& label, Mono now) const;

  const Server server_;
  Api api_, last_api_ = Api::unknown;
  monitoring::Backlog<std::uint64_t, PilotNews> pilots_;  // by their number in the ledger
  std::map<std::string, LabelNews> labels_;
  std::set<std::string> credentials_;  // files that queues name
  Mono announced_;                     // the factory; ns 0: not yet
  bool presented_ = false;             // to an apf-monitor: that the factory has started
  int refusals_ = 0;                   // of the same new pilots
  monitoring::Pause pause_;
};

// When the first of the factory's credentials ends, by what these files say of themselves now; 0: none does, or those
// that do are short-lived and fresh, so that something renews them. What can't be read is somebody else's trouble.
Wall credential_ends(const std::set<std::string>& files, Wall now, Context& context);

}  // namespace apf::apfmon
