// What the pilot and the guardian of its payload say to each other: lines of text on two pipes.
//
//   pilot -> guardian   "lease NS"    the payload must be dead by this time (BOOTTIME, ns)
//                       "signal N"    pass signal N on to the payload
//                       "end N WHY"   end the payload: signal N, then SIGKILL after the grace
//                       end of file   the pilot is dead: kill the payload at once
//   guardian -> pilot   "started PID" | "failed ERRNO" | "left PID SESSION NAME" (it was still there and is killed) |
//                       "ended REASON EXIT SIGNAL WALL_NS CPU_NS RSS_KB LEFT OOM_KILLS"
//
// Thread-safety: pure functions. A line is shorter than PIPE_BUF, so lines of several threads never mix.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "apf/time.h"

namespace apf::wrapper {

// Why a payload ended.
enum class Reason : std::uint8_t {
  exited,
  told,
  wall,
  cpu,
  memory,
  lease,
  orphaned,
  guardian,
  output,
  disk,
  scratch,
  stuck
};
const char* name(Reason reason);

struct Order {
  enum class Verb : std::uint8_t { lease, signal, end } verb = Verb::end;
  std::int64_t value = 0;
};
std::string write_order(const Order& order);
std::optional<Order> read_order(std::string_view line);

struct Outcome {
  Reason reason = Reason::guardian;
  int exit_code = -1;  // -1: ended by a signal
  int signal = 0;
  Duration wall{}, cpu{};   // CPU of all its processes
  std::int64_t rss_kb = 0;  // the most that was seen
  std::int64_t left = 0;    // processes it left behind, which were killed
  std::int64_t oom = 0;     // processes of our cgroup that the kernel killed for lack of memory meanwhile
  int start_error = 0;      // errno: the program could not be started
};
struct GuardEvent {
  enum class What : std::uint8_t { started, failed, left, ended } what = What::failed;
  std::int64_t number = 0;   // pid or errno
  std::int64_t session = 0;  // of one that was left
  std::string name{};        // of its program, one word
  Outcome outcome{};
};
std::string write_event(const GuardEvent& event);
std::optional<GuardEvent> read_event(std::string_view line);

// Cuts what was read from a pipe into lines.
class Lines {
 public:
  void add(std::string_view bytes) { text_ += bytes; }
  std::optional<std::string> next();

 private:
  std::string text_;
};

}  // namespace apf::wrapper
