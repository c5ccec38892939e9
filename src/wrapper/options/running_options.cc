#include "wrapper/options/running_options.h"

#include <array>

#include "wrapper/options/option_rows.h"
#include "wrapper/report/udp.h"

namespace apf::wrapper::rows {
namespace {

using All = apf::wrapper::Options;
using Running = RunningOptions;

Status set_udp(All& o, const std::string& v) {
  if (!v.empty() && !udp_address(v) && udp_name(v).empty())
    return bad("'" + v + "' is not an address with a port", "monitor.example.org:28527, or [2001:db8::7]:28527");
  o.running.udp = v;
  return {};
}

// What of a stream goes into the log is at most its last 10 MB, and that must be in the half that is kept.
Status set_output(All& o, const std::string& v) {
  constexpr std::int64_t least = 25'000'000;
  const auto bytes = parse_size(v);
  if (!bytes) return fail(bytes.error());
  if (*bytes != 0 && *bytes < least) return bad("'" + v + "' is less than 25 MB");
  o.running.most_output = *bytes;
  return {};
}

Status set_exit(All& o, const std::string& v) {
  if (v != "plain" && v != "telling") return bad("'" + v + "' is neither plain nor telling");
  o.running.telling_exit = v == "telling";
  return {};
}

constexpr auto kRunning = &All::running;
constexpr std::array kRows{
    Row{"--wrappermaxwall", "DURATION", "wall time of a payload; default 0: what its job says",
        duration<&Running::most_wall, kRunning>},
    Row{"--wrappermaxmemory", "SIZE", "memory of a payload; default 0: what its job says",
        size<&Running::most_memory, kRunning>},
    Row{"--wrapperstuck", "DURATION",
        "a payload without output or heartbeat for so long is ended; default 1h for panda, else 0: never",
        duration<&Running::stuck, kRunning>},
    Row{"--wrappermaxoutput", "SIZE", "disk that each of a payload's two streams may take; default 1 GB, 0: no limit",
        set_output},
    Row{"--wrappermaxscratch", "SIZE", "disk that a payload's directory may take; default 0: no limit",
        size<&Running::most_scratch, kRunning>},
    Row{"--wrapperminfree", "SIZE", "a payload that leaves less of the disk is ended; default 20 MB",
        size<&Running::least_free, kRunning>},
    Row{"--wrapperudp", "ADDRESS:PORT", "reports by UDP too, in pilot-wrapper's form; default none", set_udp},
    Row{"--wrapperexit", "plain|telling", "telling: own exit codes for no work and failed payloads; default plain",
        set_exit},
};

}  // namespace

std::span<const Row> of_running() { return kRows; }

}  // namespace apf::wrapper::rows
