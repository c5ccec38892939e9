// Who runs the program, and what is installed beside it.
//
// Thread-safety: safe.
#pragma once

#include <string>

namespace apf::factory {

// Name of the account; its number when it has none.
std::string user_name();
// A file that is installed beside the program; empty when it is not there.
std::string beside_program(const char* name);

}  // namespace apf::factory
