// Who may do what over HTTP:
//
//   reading                              anybody who reaches the monitor
//   news of a factory and its pilots     the factory's token; an administrator's; without a token, addresses in the
//                                        networks of [access] open: clients of APFMon's protocol know no tokens
//   reports of a pilot itself            the key of its submission (store/report_keys.h): that, and nothing else
//   orders (/api/v1/alarms/...)          an administrator's token
//
// A token that nobody knows is refused, even where none is needed. Behind a proxy in [access] proxies, the client's
// address is the last one of X-Forwarded-For that is no such proxy; a proxy that is not named there opens nothing,
// wherever it stands. Requests without a token, and those of
// pilots, are limited for each address; open ones from loopback are not.
//
// Thread-safety: all members from any thread.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "apf/options.h"
#include "monitor/access/networks.h"
#include "monitor/access/tokens.h"
#include "monitor/store/report_keys.h"
#include "net/http_server.h"

namespace apf::monitor {

std::span<const OptionSpec> access_options();

enum class Role : std::uint8_t { nobody, reader, open, pilot, factory, admin };

struct Caller {
  Role role = Role::nobody;  // nobody: showed a token that is not known
  std::string name;          // of the token; of a pilot: of its factory
  ReportKey key;             // of a pilot
  std::string address;       // of the client; behind a proxy that is trusted, as the proxy says
  [[nodiscard]] bool may_tell(std::string_view factory) const {
    return role == Role::admin || role == Role::open || (role == Role::factory && name == factory);
  }
};

// How many requests an address may make: a bucket that fills steadily. Bounded: the addresses that were quiet longest
// are forgotten.
class RateLimit {
 public:
  RateLimit(double per_second, double burst, std::size_t most = 20'000)
      : per_second_(per_second), burst_(burst), most_(most) {}
  bool allow(const std::string& address, Mono now);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Bucket {
    double tokens;
    Mono at;
    std::list<std::string>::iterator place;
  };
  const double per_second_, burst_;
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;  // guarded by mutex_
  std::list<std::string> order_;                     // guarded by mutex_; quiet longest first
};

class Access {
 public:
  struct Stats {
    std::int64_t refused = 0, limited = 0;
  };
  // Errors (config): "access.bad_network".
  static Result<std::unique_ptr<Access>> open(const Options& options, const std::string& token_file);

  // The keys of pilots, before the first call; they outlive this.
  void know(const ReportKeys& keys) { keys_ = &keys; }
  [[nodiscard]] Caller caller(const net::Request& request);
  // An answer where the request is not to be handled: 401, 403, 429. For ServerOptions::admit: needs the head only.
  std::optional<net::Response> refuse(const net::Request& head, Mono now);
  [[nodiscard]] Stats stats() const;
  [[nodiscard]] std::string trouble() const { return tokens_.trouble(); }

 private:
  Access(Networks open, Networks proxies, double rate, std::string token_file)
      : open_(std::move(open)), proxies_(std::move(proxies)), limit_(rate, 10 * rate), tokens_(std::move(token_file)) {}
  [[nodiscard]] std::string client_address(const net::Request& request) const;
  [[nodiscard]] bool limited(const Caller& caller, Mono now);

  const Networks open_, proxies_;
  RateLimit limit_;
  TokenFile tokens_;
  const ReportKeys* keys_ = nullptr;
  mutable std::mutex mutex_;
  Stats stats_;  // guarded by mutex_
};

}  // namespace apf::monitor
