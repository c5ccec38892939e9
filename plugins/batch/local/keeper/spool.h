// The directory through which plug-in and keepers meet. Every fact is a file that appears as a whole, once, and never
// changes; so whatever is killed when, the next one to look sees a state that is true.
//
//   version, slots             "1"; how many pilots may run at a time
//   slot/<k>                   flock'ed by the keeper that works on slot k
//   tmp/<name>/                an order while it is written
//   live/<name>/               an order of n pilots: appears by one rename, durable, before anything starts
//     order                    what to run, and for whom
//     input/                   copies of the input files and the report key, mode 0600
//     <i>.taken                pilot i has left the queue: a keeper runs it, or it was removed. link(2) decides who
//     <i>.remove               pilot i shall end; why
//     <i>.ended                how pilot i ended
//     <i>.past                 the same, once it stands in ended/*.log
//   ended/<number>.log         pilots that ended, in the order they were noticed: what poll() reads from its cursor
//   trash/                     orders whose pilots are all past, on their way out
//
// <name> is the order's time (13 digits of milliseconds) and submission id, so that names sort first come, first
// served.
//
// Thread-safety: stateless but for the path; Order and the others are plain values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apf/result.h"
#include "files.h"
#include "machine.h"
#include "record.h"

namespace apf::local {

constexpr int kSpoolVersion = 1;

// What the values of `environment`, `arguments` and `log_dir` hold in place of a pilot's own id and number.
constexpr std::string_view kIdMark = "\x01id\x01";
constexpr std::string_view kIndexMark = "\x01index\x01";

struct Order {
  std::string submission, queue, factory, instance;
  std::uint32_t run = 0, n = 0;
  std::int64_t submitted_ms = 0;
  std::string executable, log_dir, scratch;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
  std::int64_t grace_ms = 0, nice = 0;

  [[nodiscard]] Record record() const;
  static std::optional<Order> from(const Record& record);
  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::string pilot_id(std::uint32_t index) const;
  // `text` with the marks replaced.
  [[nodiscard]] std::string filled(std::string text, std::uint32_t index) const;
};

// <i>.taken of a pilot that runs or ran. `keeper.start == 0`: it never ran, its end is in the same record.
struct Taken {
  Process keeper, pilot;
  std::string boot, node;
  std::int64_t started_ms = 0;

  [[nodiscard]] Record record() const;
  static Taken from(const Record& record);
};

// How a pilot ended. `state`: done|failed|removed, as in apf::PilotState.
struct End {
  std::string state, reason, node;
  std::int64_t started_ms = 0, ended_ms = 0;
  std::int64_t exit_code = -1;             // -1: by a signal, or not known
  std::int64_t wall_ms = -1, cpu_ms = -1;  // -1: not known

  [[nodiscard]] Record record() const;
  static End from(const Record& record);
};

// The files of one pilot in its order's directory.
struct PilotFiles {
  bool taken = false, remove = false, ended = false, past = false;
  [[nodiscard]] bool waits() const { return !taken && !ended && !past; }
};

class Spool {
 public:
  explicit Spool(std::string directory) : directory_(std::move(directory)) {}

  Status create() const;  // with all its directories; refuses one of a newer version (Kind::config)
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }
  [[nodiscard]] std::string live(const std::string& order) const { return directory_ + "/live/" + order; }

  [[nodiscard]] Result<std::vector<std::string>> orders() const { return list(path("live")); }  // oldest first
  [[nodiscard]] Result<Order> read_order(const std::string& order) const;
  [[nodiscard]] Result<std::vector<PilotFiles>> pilots(const std::string& order, std::uint32_t n) const;

  [[nodiscard]] std::int64_t slots() const;
  Status set_slots(std::int64_t slots) const;
  // The lock of slot k, or an invalid descriptor when a keeper holds it. Kept across fork, closed at exec.
  [[nodiscard]] Fd lock_slot(std::int64_t k) const;

 private:
  std::string directory_;
};

Result<Record> read_record(const std::string& path);
inline std::string file_of(std::uint32_t index, const char* kind) { return std::to_string(index) + "." + kind; }

}  // namespace apf::local
