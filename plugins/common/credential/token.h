// A bearer token on its way to a server: what a file of one holds.
//
// Thread-safety: pure functions.
#pragma once

#include <string_view>

namespace apf::credential {

// The content of a token file, without blanks around: one word that can stand in a header.
bool is_token(std::string_view text);

}  // namespace apf::credential
