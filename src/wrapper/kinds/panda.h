// A pilot that is PanDA's own: pilot3 is fetched (from CVMFS unless told otherwise), checked, and run as today's
// pilot-wrapper does: its arguments, files, environment, exit codes. docs/wrapper.md, "Kind panda".
//
// Thread-safety: one thread; pure functions where said.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "wrapper/plugin.h"

namespace apf::wrapper {

class Panda final : public Plugin {
 public:
  explicit Panda(const Surroundings& around) : around_(around) {}
  std::optional<Ending> prepare() override;
  Summary run() override;
  void finish(Summary& summary) override;

 private:
  std::optional<Ending> queue_data();
  std::optional<Ending> pilot_code();
  std::optional<Ending> token();
  void name_worker();
  void tell_first_payload();
  [[nodiscard]] std::vector<std::int64_t> payload_ids() const;

  Surroundings around_;
  std::string directory_, pilot_;  // where it runs; path of pilot.py
  std::map<std::string, std::string> environment_;
  bool test_ = false, development_ = false, told_payload_ = false;
};

// ---- pure parts ----

// What the wrapper reads of a queue's JSON (PanDA's schedconfig form).
struct QueueData {
  std::string status;                          // "online", "test", ...; empty: not told
  std::map<std::string, std::string> environ;  // variables for the pilot
};
// Error: Kind::permanent "wrapper.bad_queue_data".
Result<QueueData> read_queue_data(std::string_view text);

// pilot.py's arguments: the queue, version tag, label and server, each unless it is among the given ones, and those.
std::vector<std::string> panda_arguments(const Options& options, bool development);

// PanDA's number for this pilot: that of its submission's first one, and its index there. Nothing unless both are
// numbers.
std::optional<std::int64_t> worker_id(std::string_view first, std::string_view index);

// The wrapper's exit code for the pilot's own.
int panda_exit(int exit_code, int signal);

}  // namespace apf::wrapper
