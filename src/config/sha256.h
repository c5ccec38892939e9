// Thread-safety: a pure function.
#pragma once

#include <string>
#include <string_view>

namespace apf::config {

std::string sha256_hex(std::string_view text);

}  // namespace apf::config
