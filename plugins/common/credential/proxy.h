// X.509 proxies in PEM: the one file of the plug-ins that includes OpenSSL is behind this.
//
// Thread-safety: pure functions.
#pragma once

#include <string_view>

#include "credential.h"

namespace apf::credential {

bool looks_like_pem(std::string_view content);
Result<Credential> read_proxy(std::string_view content);

}  // namespace apf::credential
