// TLS of the HTTP server, over OpenSSL: its certificate, and whose client certificates it takes.
//
// A client need not show a certificate; one that it shows must be good, or the handshake fails. RFC 3820 proxies are
// taken and stand for who made them. Revocation lists that lie beside the CAs are heeded; a CA without one is taken.
// Sessions are not resumed: who a client is comes from its certificate each time.
//
// Thread-safety: TlsContext const use from several threads; client_dn() by the connection's thread.
#pragma once

#include <memory>
#include <string>

#include "apf/result.h"
#include "apf/time.h"

struct ssl_ctx_st;
struct ssl_st;

namespace apf::net {

struct TlsOptions {
  std::string certificate;  // PEM: the server's certificate, then those between it and its CA; empty: no TLS
  std::string key;          // PEM, unencrypted, not readable by all; empty: in `certificate`
  std::string client_ca;    // PEM file, or directory of <hash>.0 and <hash>.r0 files; empty: no client certificates
  Duration reread = seconds{600};  // after that the files are read again for new connections: they get renewed
  [[nodiscard]] bool wanted() const { return !certificate.empty(); }
};

using TlsContext = std::shared_ptr<ssl_ctx_st>;

// Reads the files. Errors (config): "net.bad_tls".
Result<TlsContext> make_tls(const TlsOptions& options);

// Who the client is after the handshake, as grids write it: "/DC=org/DC=example/CN=Robot: Pilot"; the part of proxies
// is left out, and '/', '\' and control characters in a value have a '\' or are \xHH. "" when it showed no certificate.
std::string client_dn(const ssl_st* connection);

}  // namespace apf::net
