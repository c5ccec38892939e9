// What a credential says of itself: an X.509 proxy (with or without VOMS attributes) or a JSON web token. We only look,
// to tell in time and in words that it will not do; whether it is genuine is for the server to judge, so no signature
// is verified.
//
// Sources: RFC 3820 (proxies), RFC 5755 and the VOMS attribute certificate format (OIDs 1.3.6.1.4.1.8005.100.100.4 and
// .5), RFC 7519 (JWT), the WLCG token profile.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"
#include "apf/time.h"

namespace apf::credential {

enum class Type : std::uint8_t { proxy, token };

struct Credential {
  Type type = Type::token;
  Wall ends;             // when the first certificate of the chain or the token ends; 0: a token that never does
  Wall begins;           // not valid before; 0: not told
  std::string identity;  // subject of a proxy's owner, or of a token
  // of a proxy
  std::vector<std::string> fqans;  // of its VOMS attributes: "/atlas/Role=production/Capability=NULL"
  Wall attributes_end;             // 0: it has none
  // of a token
  std::string issuer, scope;
  std::vector<std::string> audiences;
};

// PEM with a certificate and its private key, or a token, which may stand alone or with blanks around.
// Errors: Kind::transient "credential.unreadable": a renewal may heal it.
Result<Credential> read(std::string_view content);

// What the configuration expects; empty: anything.
struct Expected {
  std::string fqan{};  // "/atlas", or with a role "/atlas/Role=production"; Capability=NULL and Role=NULL don't count
  std::string audience{};  // one of the token's
  std::string issuer{};
  std::string scope{};  // all of these words
  Duration min_life{};
};

// Errors: Kind::transient, one sentence each: "credential.too_short", "credential.too_early", "credential.fqan",
// "credential.audience", "credential.issuer", "credential.scope", "credential.type".
Status check(const Credential& c, const Expected& expected, Wall now);

}  // namespace apf::credential
