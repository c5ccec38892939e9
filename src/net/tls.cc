#include "net/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <array>

namespace apf::net {
namespace {

std::string openssl_says() {
  std::array<char, 256> text{};
  const auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

tl::unexpected<Error> bad(const std::string& file, std::string what, std::string advice = {}) {
  return fail(Kind::config, "net.bad_tls", std::move(what), file, std::move(advice));
}

bool is_directory(const std::string& path) {
  struct stat st{};
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

// A key with a pass phrase would make OpenSSL ask at the terminal.
int no_pass_phrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return -1; }

// Many CAs of grids publish no list; one that is there counts, also when it is too old.
int on_verified(int good, X509_STORE_CTX* chain) {
  if (good != 0 || X509_STORE_CTX_get_error(chain) != X509_V_ERR_UNABLE_TO_GET_CRL) return good;
  X509_STORE_CTX_set_error(chain, X509_V_OK);
  return 1;
}

Status load_identity(SSL_CTX* tls, const TlsOptions& o) {
  const std::string& key = o.key.empty() ? o.certificate : o.key;
  struct stat st{};
  if (::stat(key.c_str(), &st) != 0) return bad(key, "can't be read");
  if ((st.st_mode & S_IRWXO) != 0) return bad(key, "holds a private key that everybody may read", "chmod o= " + key);
  if (SSL_CTX_use_certificate_chain_file(tls, o.certificate.c_str()) != 1)
    return bad(o.certificate, "holds no certificate in PEM form: " + openssl_says());
  if (SSL_CTX_use_PrivateKey_file(tls, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return bad(key, "holds no private key that fits the certificate and has no pass phrase: " + openssl_says());
  return {};
}

Status load_clients(SSL_CTX* tls, const std::string& ca) {
  if (is_directory(ca)) {
    if (SSL_CTX_load_verify_dir(tls, ca.c_str()) != 1) return bad(ca, "is no directory of CAs: " + openssl_says());
  } else {
    if (SSL_CTX_load_verify_file(tls, ca.c_str()) != 1)
      return bad(ca, "holds no CA certificate in PEM form: " + openssl_says());
    SSL_CTX_set_client_CA_list(tls, SSL_load_client_CA_file(ca.c_str()));
  }
  X509_VERIFY_PARAM* rules = SSL_CTX_get0_param(tls);
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_ALLOW_PROXY_CERTS | X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, on_verified);
  return {};
}

void append_value(const ASN1_STRING* value, std::string& out) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, value);
  for (int i = 0; i < size; ++i) {
    const unsigned char c = utf8[i];
    if (c < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02X}", c);
      continue;
    }
    if (c == '/' || c == '\\') out += '\\';
    out += static_cast<char>(c);
  }
  if (size >= 0) OPENSSL_free(utf8);
}

std::string grid_name(const X509_NAME* name) {
  std::string out;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    const ASN1_OBJECT* type = X509_NAME_ENTRY_get_object(entry);
    std::array<char, 80> dotted{};
    const int nid = OBJ_obj2nid(type);
    if (nid == NID_undef) OBJ_obj2txt(dotted.data(), dotted.size(), type, 1);
    out += fmt::format("/{}=", nid == NID_undef ? dotted.data() : OBJ_nid2sn(nid));
    append_value(X509_NAME_ENTRY_get_data(entry), out);
  }
  return out;
}

}  // namespace

Result<TlsContext> make_tls(const TlsOptions& options) {
  ERR_clear_error();
  TlsContext tls(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!tls) return bad(options.certificate, "OpenSSL can't be set up: " + openssl_says());
  SSL_CTX_set_min_proto_version(tls.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(tls.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(tls.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(tls.get(), 0);
  SSL_CTX_set_default_passwd_cb(tls.get(), no_pass_phrase);
  SSL_CTX_set_mode(tls.get(), SSL_MODE_RELEASE_BUFFERS);
  if (auto ok = load_identity(tls.get(), options); !ok) return fail(std::move(ok.error()));
  if (!options.client_ca.empty())
    if (auto ok = load_clients(tls.get(), options.client_ca); !ok) return fail(std::move(ok.error()));
  return tls;
}

std::string client_dn(const ssl_st* connection) {
  if (SSL_get_verify_result(connection) != X509_V_OK) return {};
  STACK_OF(X509)* chain = SSL_get0_verified_chain(connection);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    X509* certificate = sk_X509_value(chain, i);
    if ((X509_get_extension_flags(certificate) & EXFLAG_PROXY) == 0)
      return grid_name(X509_get_subject_name(certificate));
  }
  return {};
}

}  // namespace apf::net
