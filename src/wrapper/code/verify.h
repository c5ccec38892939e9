// Is a file what somebody vouched for? The one place of the wrapper with libcrypto.
//
// Thread-safety: pure functions of files.
#pragma once

#include <string>

#include "wrapper/code/pilot_code.h"

namespace apf::wrapper {

// `signature`: of the file, 64 bytes or base64 of them; used by Check::How::ed25519 only (RFC 8032).
// Error: Kind::permanent "wrapper.refused_code", says what is wrong and what the file looks like.
Status verify(const std::string& file, const Check& check, const std::string& signature);

// What a file that was asked for as code must not be. Empty: nothing speaks against it.
std::string suspicion(const std::string& file);  // "it is an HTML page", "it is empty"

}  // namespace apf::wrapper
