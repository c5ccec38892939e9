// application/x-www-form-urlencoded bodies, as APFMon's protocol and PanDA's old calls use them.
//
// Thread-safety: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apf/result.h"

namespace apf::protocol {

using FormField = std::pair<std::string, std::string>;

// As in a form: all but letters, digits and -._* percent-encoded; good for a part of a path, too.
std::string escape(std::string_view text);
std::string write_form(std::span<const FormField> fields);
// Errors: "form.bad_escape", "form.too_many" (more than 256 fields).
Result<std::vector<FormField>> read_form(std::string_view body);

}  // namespace apf::protocol
