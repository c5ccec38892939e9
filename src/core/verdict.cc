#include "core/verdict.h"

namespace apf::core {
namespace {

// Of apf-wrapper: src/wrapper/exit_codes.h, docs/wrapper.md.
constexpr std::int32_t kWrapperFault = 1, kUsage = 2, kNodeFault = 64, kCredential = 68, kWmsFault = 79;

Verdict of_wrapper(std::int32_t code) {
  switch (code) {
    case kWrapperFault:
    case kNodeFault: return Verdict::bad;
    case kUsage:
    case kCredential:
    case kWmsFault: return Verdict::fault;
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
      case kNodeFault: return "failed validation (exit code 64)";
      case kCredential: return "had no valid credential (exit code 68)";
      case kWmsFault: return "could not reach the WMS (exit code 79)";
      default: break;
    }
  return "failed as soon as they had started";
}

}  // namespace apf::core
