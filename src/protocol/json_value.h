// Reading JSON that others wrote: each function names the place of what it refuses.
//
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "apf/result.h"
#include "apf/time.h"

namespace apf::protocol::json_value {

using Json = nlohmann::json;

// Parses; an error says what the text looks like instead ("an HTML page", "empty").
Result<Json> parse(std::string_view text, const std::string& code);
// Text that is always valid UTF-8: bytes that are not become U+FFFD.
std::string dump(const Json& json);
// ISO 8601; null for a time that is not known (0).
Json time(Wall t);

// The member, or null when it is missing; "NULL", PanDA's word for nothing, counts as null too.
const Json& member(const Json& object, std::string_view key);

// Whole numbers; also 3.0 and "3". Anything else is an error of this code: "'key' must be a whole number, got ...".
Result<std::int64_t> integer(const Json& value, std::string_view key, const std::string& code, std::int64_t least,
                             std::int64_t most);
Result<double> real(const Json& value, std::string_view key, const std::string& code);  // finite; also "3.5"
// Text; numbers and booleans become their JSON form.
Result<std::string> text(const Json& value, std::string_view key, const std::string& code, std::size_t longest);

// What a value is, for messages: "an object", "text".
const char* describe(const Json& value);

}  // namespace apf::protocol::json_value
