// Operators' orders: JSON bodies of the Unix socket's routes, read strictly. Unknown fields are errors: a misspelt
// "untill_ms" must not pause a site for ever.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"

namespace apf::engine {

// Errors, Kind::permanent: "api.bad_request".
// One hold, or what it lifts: resume lifts pause and drain, enable lifts disable.
Result<std::vector<core::Verb>> read_verb(std::string_view body, const std::string& who, Wall now);
Result<core::RemoveAsked> read_remove(std::string_view body, const std::string& who);
Result<core::AcceptView> read_accept_view(std::string_view body, const std::string& who);
Status read_nothing(std::string_view body);  // empty, or {}

}  // namespace apf::engine
