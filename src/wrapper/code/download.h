// Fetches a file with the node's curl (http.h says why).
//
// Thread-safety: may be called from any number of threads.
#pragma once

#include <atomic>
#include <string>

#include "apf/result.h"
#include "apf/time.h"

namespace apf::wrapper {

struct Download {
  std::string url{};    // http:, https:, file: or an absolute path
  std::string file{};   // becomes it; what is there is replaced
  std::string proxy{};  // empty: as the environment says
  Duration connect_timeout = seconds{20};
  Duration timeout = seconds{180};
  std::int64_t most_bytes = std::int64_t{1} << 30U;
  const std::atomic<bool>* stop = nullptr;
};

// Errors: Kind::config "wrapper.no_curl"; Kind::transient "wrapper.not_fetched" with curl's own words: no answer, an
// HTTP status from 400 on, less than the server announced, more than `most_bytes`.
Status download(const Download& wanted);

// The parts of it: curl's configuration file.
std::string download_config(const Download& wanted);

}  // namespace apf::wrapper
