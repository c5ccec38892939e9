// The way to a PanDA server, for every plug-in that speaks to one: several addresses with fail-over, HTTP proxies, and
// the credential (X.509 proxy or token).
//
// Routes (server, then proxy) are in order of preference. The one that answered last is used first; when it fails, the
// others are tried in order within the same call. After `return_after` a call begins with the preferred ones again,
// with little patience.
// Thread-safety: an instance is used by one thread at a time.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "apf/context.h"
#include "apf/options.h"

namespace apf::panda {

inline constexpr std::array kConnectionOptions{
    OptionSpec{.name = "url",
               .doc = "base of the server, without /api/v1: https://pandaserver.example.org:25443, or "
                      "http://127.0.0.1:25080 of an apf-jobqueue",
               .required = true},
    OptionSpec{.name = "fallback_urls",
               .type = OptionType::list,
               .doc = "further addresses of the same PanDA, tried in this order while the ones before do not answer"},
    OptionSpec{.name = "return_after",
               .type = OptionType::duration,
               .fallback = "5m",
               .doc = "how long another address or proxy than the first is used before the first is tried again",
               .minimum = 1,
               .maximum = 86400},
    OptionSpec{.name = "token_file",
               .type = OptionType::path,
               .doc =
                   "file with a bearer token, mode 0600, read at each request; apf-jobqueue: tokens/read.token of its "
                   "data directory"},
    OptionSpec{.name = "origin",
               .doc = "virtual organisation and role that a PanDA server wants beside a token: wlcg.production"},
    OptionSpec{.name = "ca_file",
               .type = OptionType::path,
               .doc = "certificates that are trusted: a file or a directory; unset: the system's"},
    OptionSpec{.name = "cert",
               .type = OptionType::path,
               .doc = "X.509 proxy (with its key, mode 0600) or client certificate, PEM, read at each request"},
    OptionSpec{.name = "key", .type = OptionType::path, .doc = "key of the client certificate, PEM; unset: in cert"},
    OptionSpec{
        .name = "proxies",
        .type = OptionType::list,
        .doc = "HTTP proxies (squid), tried in this order: http://squid.example.org:3128; 'direct': without one"},
};

// The options of a plug-in: those of the connection, then its own.
template <std::size_t N>
constexpr std::array<OptionSpec, kConnectionOptions.size() + N> with_connection(const std::array<OptionSpec, N>& own) {
  std::array<OptionSpec, kConnectionOptions.size() + N> all{};
  for (std::size_t i = 0; i < kConnectionOptions.size(); ++i) all.at(i) = kConnectionOptions.at(i);
  for (std::size_t i = 0; i < N; ++i) all.at(kConnectionOptions.size() + i) = own.at(i);
  return all;
}

struct Access {
  std::vector<std::string> servers;  // without a slash at the end and without /api/v1
  std::vector<std::string> proxies;  // "": none; at least one
  Duration return_after = seconds{300};
  std::string token_file, origin, ca_file, cert, key;
};
// Errors: Kind::config "panda.bad_url", "panda.bad_proxy", "panda.token_in_clear", "panda.cert_without_tls",
// "panda.key_without_cert".
Result<Access> access_of(const Options& options);

struct Call {
  std::string method = "GET";
  std::string path;  // with its query: "/api/v1/..."
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool one_route = false;  // no fail-over within the call: it takes all the time there is
  Duration patience{};     // for all routes together; 0: until the deadline
};

class Connection {
 public:
  explicit Connection(Access access);

  // The answer of the first route that gives one: any but an HTTP status of 500 or more, an HTML page or nothing with
  // status 200. When none does: what the last one gave. Errors as Context::http and Context::credential,
  // "credential.*" for a proxy that has ended, "panda.bad_token"; never Kind::uncertain: what is sent here may be sent
  // twice.
  Result<HttpReply> send(const Call& call, Context& context);

  [[nodiscard]] std::size_t server() const { return server_of(good_); }  // index of the one that answered last
  [[nodiscard]] const std::string& server_url() const { return access_.servers[server()]; }
  [[nodiscard]] std::size_t servers() const { return access_.servers.size(); }
  // Another route than the preferred one is in use, and it is time to try that one again.
  [[nodiscard]] bool return_due() const;
  // For people: "https://b:25443 (https://a:25443: no answer)".
  [[nodiscard]] std::string shown() const;

 private:
  [[nodiscard]] std::size_t routes() const { return access_.servers.size() * access_.proxies.size(); }
  [[nodiscard]] std::size_t server_of(std::size_t route) const { return route / access_.proxies.size(); }
  [[nodiscard]] std::string name_of(std::size_t route) const;
  [[nodiscard]] std::vector<std::size_t> order(bool one_route) const;
  Result<HttpRequest> prepare(const Call& call, Context& context) const;
  [[nodiscard]] Status check_cert(Context& context) const;
  void found_good(std::size_t route, Context& context);

  Access access_;
  std::size_t good_ = 0;
  Mono left_at_;         // when the preferred route was last seen failing
  std::string trouble_;  // of the preferred route
};

}  // namespace apf::panda
