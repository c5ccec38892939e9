// Reports by UDP in the form of today's pilot-wrapper (protocol/pilot_datagram.h). A datagram is lost when nobody
// listens, and delays nobody.
//
// Thread-safety: pure functions, and send_udp() may be called by any thread.
#pragma once

#include <string>
#include <string_view>

#include "protocol/pilot_datagram.h"

namespace apf::wrapper {

bool udp_address(const std::string& address);  // numeric, with a port
// The name in NAME:PORT; empty: it is none.
std::string udp_name(const std::string& address);
// The numeric address with that port, of what `getent ahosts NAME` printed: the first one of which the system can make
// something; empty: there is none.
std::string udp_found(const std::string& address, std::string_view getent);
void send_udp(const std::string& address, std::string_view datagram);

// What the environment tells of this pilot: APFFID, APFCID, the CE, Harvester's and GTAG.
protocol::PilotDatagram udp_words(const std::string& version, const std::string& queue);

}  // namespace apf::wrapper
