// Where pilots get the wrapper's tarball from, and how they know that it is the right one. A submission pins the
// tarball's SHA-256, so each tarball that was ever pinned stays served under that name while pilots may ask for it: an
// update reaches new pilots only, and caches on the way need not ask again.
//
// Thread-safety: pure functions of files.
#pragma once

#include <string>

#include "apf/result.h"

namespace apf::engine {

// SHA-256 of a file, in hex. Kind::config "engine.wrapper_missing".
Result<std::string> file_sha256(const std::string& file);

// Copies the tarball to DIRECTORY/SHA256.tar.gz, unless it is there, and returns its SHA-256. The newest 10 stay.
// Errors: as above; Kind::transient "engine.wrapper_not_kept".
Result<std::string> keep_wrapper(const std::string& file, const std::string& directory);
std::string wrapper_directory(const std::string& state_dir);

// Addresses for the bootstrap, tried in this order. A factory that only listens on loopback has its pilots on this
// machine, where the file itself is the surer source (it is there while the factory restarts), provided that everybody
// may read it. `address`: as the factory serves it, "host:port"; empty: not served.
std::string wrapper_urls(const std::string& file, const std::string& sha256, const std::string& address);
bool everybody_may_read(const std::string& file);

}  // namespace apf::engine
