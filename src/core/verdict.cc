#include "core/verdict.h"

#include <algorithm>
#include <array>

namespace apf::core {
namespace {

// Of apf-wrapper: src/wrapper/exit_codes.h, docs/wrapper.md.
constexpr std::int32_t kWrapperFault = 1, kUsage = 2, kNodeFault = 64, kPayloadFault = 65, kCredential = 68,
                       kWmsFault = 79, kNoWork = 82;

struct Class {
  std::string_view name;
  const char* meaning;
};
constexpr std::array kClasses{
    Class{"disk", "failed validation: no room on the disk (exit code 64)"},
    Class{"tmp", "failed validation: /tmp is full or not writable (exit code 64)"},
    Class{"memory", "failed validation: too little memory (exit code 64)"},
    Class{"clock", "failed validation: the clock is wrong (exit code 64)"},
    Class{"cvmfs", "failed validation: CVMFS does not answer (exit code 64)"},
    Class{"network", "failed validation: no network (exit code 64)"},
    Class{"container", "failed validation: the container runtime does not work (exit code 64)"},
    Class{"script", "failed validation: a check of the VO (exit code 64)"},
};

const char* of_class(std::string_view failure) {
  const auto* const found =
      std::find_if(kClasses.begin(), kClasses.end(), [&](const Class& c) { return c.name == failure; });
  return found == kClasses.end() ? "failed validation (exit code 64)" : found->meaning;
}

Verdict of_wrapper(std::int32_t code) {
  switch (code) {
    case kWrapperFault:
    case kNodeFault: return Verdict::bad;
    case kUsage:
    case kCredential:
    case kWmsFault: return Verdict::fault;
    case kPayloadFault: return Verdict::good;  // the pilot did its work, only its payloads did not
    case kNoWork: return Verdict::empty;
    default: return Verdict::none;
  }
}

}  // namespace

Verdict judge(const Ending& e, Duration shortest) {
  if (e.state == PilotState::removed || e.wall_s < 0) return Verdict::none;
  const bool brief = std::chrono::duration<float>(e.wall_s) < std::chrono::duration<float>(shortest);
  const bool failed = e.state == PilotState::failed || e.exit_code > 0;
  if (!failed) {
    if (e.payloads > 0) return Verdict::good;
    if (e.payloads == 0) return Verdict::empty;
    return brief ? Verdict::empty : Verdict::good;
  }
  if (e.wrapper)
    if (const Verdict known = of_wrapper(e.exit_code); known != Verdict::none) return known;
  if (!brief) return Verdict::none;
  return e.evicted ? Verdict::evicted : Verdict::bad;
}

const char* meaning(const Ending& e, Verdict verdict) {
  if (verdict == Verdict::evicted) return "lost their slot as soon as they had started";
  if (verdict == Verdict::empty) return "found no work while jobs were ready";
  if (e.wrapper) switch (e.exit_code) {
      case kWrapperFault: return "failed with a fault of the wrapper (exit code 1)";
      case kUsage: return "did not understand their options (exit code 2)";
      case kNodeFault: return of_class(e.failure);
      case kCredential: return "had no valid credential (exit code 68)";
      case kWmsFault: return "could not reach the WMS (exit code 79)";
      default: break;
    }
  return "failed as soon as they had started";
}

bool well(std::int32_t exit_code, bool wrapper) {
  return exit_code <= 0 || (wrapper && (exit_code == kPayloadFault || exit_code == kNoWork));
}

}  // namespace apf::core
