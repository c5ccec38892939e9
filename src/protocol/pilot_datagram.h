// Reports by UDP, as pilot-wrapper sends them since June 2025 (20251211a, captured in the field): one datagram of
// words.
//
//   VERSION FACTORY:CID running|exiting|fault SECONDS QUEUE CE HARVESTER WORKER GTAG
//   TIME_DIFF SECONDS VERSION QUEUE FACTORY:CID    the pilot's log has not grown for so long
//   SIGINT 0 VERSION QUEUE FACTORY:CID             its supervisor ends the pilot for that
//
// Any number of blanks separates words; "unknown" stands for what is not told. The supervisor's lines come twice, the
// second time with HARVESTER:WORKER in place of FACTORY:CID. Nothing says that a datagram is true or that none is lost.
//
// Errors: "datagram.bad", permanent.
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "apf/result.h"

namespace apf::protocol {

constexpr std::size_t kLongestDatagram = 4096;  // bytes; longer ones are refused

struct PilotDatagram {
  enum class Kind : std::uint8_t { running, exiting, fault, silent, interrupted } kind = Kind::running;
  std::string version{}, factory{}, cid{};
  std::int64_t seconds = 0;  // since its start: 0 with running; silent: how long its log has not grown
  std::string queue{}, ce{}, harvester{}, worker{}, gtag{};  // empty: not told
  bool operator==(const PilotDatagram&) const = default;
};

// Empty words become "unknown", blanks in words underscores.
std::string write_datagram(const PilotDatagram& d);
Result<PilotDatagram> read_datagram(std::string_view bytes);

}  // namespace apf::protocol
