// Values as TOML text, for config plug-ins and whatever else writes configuration. Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apf/options.h"

namespace apf {

std::string toml_string(std::string_view text);
std::string key_text(std::string_view key);  // quoted only where it must be
std::string real_text(double v);
std::string list_text(const std::vector<std::string>& list);
std::string table_text(const Table& table);

}  // namespace apf
