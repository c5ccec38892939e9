#include "monitor/model.h"

#include <algorithm>
#include <array>

namespace apf::monitor {
namespace {

constexpr std::array<const char*, kStates> kNames = {"created", "running", "exiting", "stale", "done", "fault"};
constexpr std::int32_t kFoundWork = 0, kFoundNone = 20;  // exit codes of AutoPyFactory's wrappers

}  // namespace

const char* name(PilotState state) { return kNames[static_cast<std::size_t>(state)]; }

std::optional<PilotState> read_state(std::string_view name) {
  const auto* const it = std::find(kNames.begin(), kNames.end(), name);
  if (it == kNames.end()) return std::nullopt;
  return static_cast<PilotState>(it - kNames.begin());
}

const char* name(Work work) {
  switch (work) {
    case Work::unknown: return "unknown";
    case Work::had: return "had";
    case Work::empty: return "empty";
  }
  return "?";
}

Work Pilot::work() const {
  if (payload_started || payloads.value_or(0) > 0 || !payload_ids.empty()) return Work::had;
  if (payloads == 0 || rc == kFoundNone) return Work::empty;
  return rc == kFoundWork && !payloads ? Work::had : Work::unknown;
}

Wall Pilot::first() const {
  Wall earliest;
  for (const Wall t : {created, running, exiting, ended, seen})
    if (t.ms != 0 && (earliest.ms == 0 || t < earliest)) earliest = t;
  return earliest;
}

}  // namespace apf::monitor
