// This process's environment for the log, without what must not be read there.
//
// Thread-safety: pure functions; environment_lines() while nobody changes the environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace apf::wrapper {

// "NAME=value", the value masked where its name or its form says that it is a secret: passwords, keys and tokens,
// user:password in an address, JSON web tokens, PEM. Control characters are shown as "\x0a".
std::string shown_variable(std::string_view variable);
std::vector<std::string> environment_lines();  // sorted

}  // namespace apf::wrapper
