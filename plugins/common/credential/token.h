// A bearer token on its way to a server: where it may go, and what a file of one holds.
//
// Thread-safety: pure functions.
#pragma once

#include <string_view>

namespace apf::credential {

// A URL whose host is this machine's loopback: what is sent there crosses no network. Names and addresses in their
// plain form only (localhost, 127.x.x.x, [::1]), nothing with a user before the host.
bool stays_here(std::string_view url);

// The content of a token file, without blanks around: one word that can stand in a header.
bool is_token(std::string_view text);

}  // namespace apf::credential
