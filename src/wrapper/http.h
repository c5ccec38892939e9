// HTTP through the node's own curl program: it knows the node's proxies and certificate authorities, and the wrapper
// stays a small static file. Everything, secrets first, goes to curl on its standard input: never on a command line.
//
// Thread-safety: pure functions, and exchange() may be called from any number of threads.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "apf/context.h"

namespace apf::wrapper {

struct Exchange {
  std::string url{};
  std::string token{};  // empty: no Authorization header
  std::string content_type{};
  std::string body{};
  Duration connect_timeout = seconds{10};
  Duration timeout = seconds{30};
  const std::atomic<bool>* stop = nullptr;
};

struct Answer {
  int status = 0;
  std::string body;
};

// POST. Errors: Kind::config "wrapper.no_curl"; Kind::transient "wrapper.not_sent" when surely nothing arrived;
// Kind::uncertain "wrapper.no_answer". An HTTP status is no error.
Result<Answer> post(const Exchange& e);

// The parts of it: curl's configuration file, and what curl printed.
std::string curl_config(const Exchange& e);
std::string curl_head_config(const Exchange& e);  // the same for HEAD: headers, a line break and the status come back
Result<Answer> read_curl(const Finished& finished);

}  // namespace apf::wrapper
