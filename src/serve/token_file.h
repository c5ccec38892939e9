// A token in a file of its own that only its owner can read.
//
// Thread-safety: pure functions over files.
#pragma once

#include <string>

#include "apf/result.h"

namespace apf::serve {

// Errors (config): "serve.bad_token_file": not a regular file of mode 0600 with one word of 32 or more characters.
Result<std::string> read_token(const std::string& file);
// Writes a new random token, mode 0600; a name is only ever linked to a whole token. Errors: "secret.no_random",
// those of apf/files.h.
Result<std::string> make_token(const std::string& file);
// Reads it; makes it when it is missing.
Result<std::string> read_or_make_token(const std::string& file);

}  // namespace apf::serve
