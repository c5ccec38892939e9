// Words of curl's configuration file, and of what curl says.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "apf/time.h"

namespace apf::wrapper::curl {

std::string quoted(std::string_view text);  // never more than its own line
std::string whole_seconds(Duration d);      // rounded up: the curl of older nodes knows no fractions
std::string last_line(const std::string& text);

}  // namespace apf::wrapper::curl
