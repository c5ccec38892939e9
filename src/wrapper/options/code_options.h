// Which code a pilot is, for kinds that run code of a VO (exec, panda); docs/wrapper.md, "Pilot code".
//
// Thread-safety: plain values.
#pragma once

#include <string>
#include <vector>

namespace apf::wrapper {

struct CodeOptions {
  bool test = false;               // a test pilot: development versions
  std::vector<std::string> types;  // in pilots.conf, tried in this order
  std::string code;                // instead: "[A,B],C" (pilot_code.h)
  std::string urls, checksums, ratio;
  std::string proxy;                   // HTTP proxy (squid) to fetch by; empty: as the environment says
  std::string program;                 // exec: what of the code is run; empty: the file itself
  std::string python = "python3";      // panda
  std::string queuedata;               // panda: where the queue's data are; empty: the pilot finds them itself
  std::vector<std::string> arguments;  // the pilot's own
};

}  // namespace apf::wrapper
