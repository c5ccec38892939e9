// Where pilots get apf-wrapper from, and how they know that it is the right one.
//
// Thread-safety: pure functions of files.
#pragma once

#include <string>

#include "apf/result.h"

namespace apf::engine {

// SHA-256 of a file, in hex. Kind::config "engine.wrapper_missing".
Result<std::string> file_sha256(const std::string& file);

// The factory serves its wrapper; one that only listens on loopback has its pilots on this machine, where the file
// itself is the surer source (it is there while the factory restarts), provided that everybody may read it.
// `address`: as the factory serves it, "host:port"; empty: not served.
std::string wrapper_url(const std::string& file, const std::string& address);
bool everybody_may_read(const std::string& file);

}  // namespace apf::engine
