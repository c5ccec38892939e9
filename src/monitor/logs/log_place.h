// Which of a pilot's files the monitor may fetch. Whoever may tell news chooses the addresses in them, and whoever
// reaches the monitor reads what it fetched, so without a rule it would be a way into the networks around it.
//
// A file may be fetched when its URL is http or https, without a user's name, and either
//   - its origin (scheme, host, port) is one of `[logs] from`, or
//   - it lies below the `url` that its factory told, and its host is the machine that the factory speaks from.
// The second compares addresses when the connection is made, not names. Redirects are never followed.
//
// Thread-safety: pure functions; same_machine() asks the kernel.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"

namespace apf::monitor {

struct LogPlace {
  std::string url;      // as curl reads it, so that nobody reads it otherwise
  std::string origin;   // "https://factory.example.org:8443", the port always
  std::string machine;  // only there: the address that the factory speaks from; empty: anywhere
};

// "https://logs.example.org:8443" or with a path behind, which does not count. Error (config): "logs.bad_origin".
Result<std::string> read_origin(const std::string& url);

struct LogRule {
  std::vector<std::string> from;  // origins
  bool factories = true;          // the second way
};
// `factory_url`, `factory_address`: what is known of the pilot's factory. Errors (permanent): "logs.bad_url",
// "logs.not_allowed".
Result<LogPlace> find_log(const LogRule& rule, const std::string& url, const std::string& factory_url,
                          const std::string& factory_address);

// May who wants to speak with `machine` connect to this address? Numeric ones; when `machine` is loopback, all
// addresses of this host are it.
bool same_machine(const std::string& address, const std::string& machine);

}  // namespace apf::monitor
