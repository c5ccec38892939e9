// Bodies that a client compressed.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "apf/result.h"

namespace apf::net {

bool is_gzip(std::string_view body);  // by its first bytes
// Errors: "net.bad_gzip" (broken or cut off), "net.body_too_long" (more than `longest` bytes unpacked).
Result<std::string> gunzip(std::string_view body, std::size_t longest);

}  // namespace apf::net
