// One HTTP exchange over libcurl, with a deadline. `unix_path` set: over a Unix socket (the command line's way).
//
// Thread-safety: may be called from any number of threads at a time.
#pragma once

#include <atomic>
#include <string>

#include "apf/context.h"

namespace apf::net {

// Errors as Context::http says: "net.connect_failed" (transient: nothing was sent), "net.no_answer" (uncertain),
// "net.body_too_long" (permanent).
Result<HttpReply> fetch(const HttpRequest& request, Mono deadline, const std::atomic<bool>* stop = nullptr,
                        const std::string& unix_path = {});

std::string percent_encode(std::string_view text);
Result<std::string> percent_decode(std::string_view text);

}  // namespace apf::net
