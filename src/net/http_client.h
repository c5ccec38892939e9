// One HTTP exchange over libcurl, with a deadline. `unix_path` set: over a Unix socket (the command line's way).
//
// Thread-safety: may be called from any number of threads at a time.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "apf/context.h"

namespace apf::net {

// Errors as Context::http says: "net.connect_failed" (transient: nothing was sent), "net.no_answer" (uncertain: the
// request left), "net.body_too_long" (permanent), "net.bad_url" (config), "net.bad_header" (bug: a line break in it).
// Redirects are not followed. Proxies of the environment are used, but never towards loopback or a Unix socket.
// The deadline, or HttpRequest::timeout if that is sooner, bounds it all. `stop`: gives up within a quarter of a second
// once it is true.
Result<HttpReply> fetch(const HttpRequest& request, Mono deadline, const std::atomic<bool>* stop = nullptr,
                        const std::string& unix_path = {});

// For URLs that others chose: no proxy, nothing is decoded, and the caller sees each address before a connection is
// made.
struct Wary {
  // Numeric: "192.0.2.7", "2001:db8::7"; null: all. When none passes: "net.not_allowed" (permanent), nothing was sent.
  std::function<bool(const std::string& address)> may_reach;
  // Takes the body piece by piece, instead of HttpReply::body; `head` has the headers, and the status is not 0.
  // False: that is enough, and the exchange has succeeded.
  std::function<bool(const HttpReply& head, std::string_view piece)> take;
};
Result<HttpReply> fetch_warily(const HttpRequest& request, const Wary& wary, Mono deadline,
                               const std::atomic<bool>* stop = nullptr);

// RFC 3986: all but unreserved characters become %XX. Decoding fails with "net.bad_escape"; '+' stays '+'.
std::string percent_encode(std::string_view text);
Result<std::string> percent_decode(std::string_view text);

}  // namespace apf::net
