// Secrets: random tokens, and comparing them without telling by the time it takes where they differ.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "apf/result.h"

namespace apf::serve {

// 256 bits of the kernel's randomness as 64 hexadecimal digits. Errors: "secret.no_random".
Result<std::string> random_secret();
// Takes the same time whatever the texts hold, as long as their lengths are equal; empty texts are never equal.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace apf::serve
