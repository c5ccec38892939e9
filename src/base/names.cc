#include <array>

#include "apf/batch.h"

namespace apf {
namespace {

constexpr std::array<const char*, 9> kStates{"pending",      "held", "unknown", "running", "suspended",
                                             "transferring", "done", "failed",  "removed"};

}  // namespace

const char* name(PilotState state) { return kStates.at(static_cast<std::size_t>(state)); }

std::optional<PilotState> pilot_state(std::string_view name) {
  for (std::size_t i = 0; i < kStates.size(); ++i)
    if (name == kStates.at(i)) return static_cast<PilotState>(i);
  return std::nullopt;
}

}  // namespace apf
