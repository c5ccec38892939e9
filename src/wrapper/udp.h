// Reports by UDP in the form of today's pilot-wrapper (20251211a, captured in the field): one datagram of words,
//
//   VERSION          FACTORY:CID          STATE SECONDS          QUEUE          CE          HARVESTER          WORKER
//   GTAG
//
// in one line; STATE is running, exiting or fault, and "unknown" stands for what is not told. A datagram is lost when
// nobody listens, and delays nobody.
//
// Thread-safety: pure functions, and send_udp() may be called by any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace apf::wrapper {

bool udp_address(const std::string& address);  // numeric, with a port
// The name in NAME:PORT; empty: it is none.
std::string udp_name(const std::string& address);
// The numeric address with that port, of what `getent ahosts NAME` printed: the first one of which the system can make
// something; empty: there is none.
std::string udp_found(const std::string& address, std::string_view getent);
void send_udp(const std::string& address, std::string_view datagram);

struct UdpWords {
  std::string version, factory, cid, state;
  std::int64_t seconds = 0;  // since the start: 0 with running
  std::string queue{}, ce{}, harvester{}, worker{}, gtag{};
};
std::string write_udp(const UdpWords& words);
// The words that come from the environment: APFFID, APFCID, the CE, Harvester's and GTAG.
UdpWords udp_words(const std::string& version, const std::string& queue);

}  // namespace apf::wrapper
