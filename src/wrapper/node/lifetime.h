// Until when a credential says that it holds: a JSON web token, or an X.509 proxy in PEM. Nothing is verified: the node
// only has to see in time that a pilot with this credential is of no use.
//
// Sources: RFC 7519 (exp), RFC 5280 (validity), RFC 7468 (PEM). Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string_view>

#include "apf/time.h"

namespace apf::wrapper::node {

// Empty: not a JWT, or it tells no end (an opaque token is in order, too).
std::optional<Wall> token_ends(std::string_view token);
// The earliest end in the chain. Empty: there is no certificate in it that can be read.
std::optional<Wall> proxy_ends(std::string_view pem);

std::optional<Wall> read_asn1_time(std::string_view digits, bool four_digit_year);  // "261122093000Z"

}  // namespace apf::wrapper::node
