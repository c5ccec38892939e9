#include "proxy.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <memory>

#include "voms.h"

namespace apf::credential {
namespace {

constexpr int kMostCertificates = 30;
constexpr const char* kVomsExtension = "1.3.6.1.4.1.8005.100.100.5";

struct Free {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(ASN1_OBJECT* p) const { ASN1_OBJECT_free(p); }
  void operator()(char* p) const { OPENSSL_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

tl::unexpected<Error> unreadable(std::string what, std::string advice = "") {
  return fail(Kind::transient, "credential.unreadable", std::move(what), "", std::move(advice));
}

Owned<BIO> reader(std::string_view content) {
  return Owned<BIO>(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
}

Wall wall_of(const ASN1_TIME* time) {
  std::tm t{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &t) != 1) return {};
  return Wall{std::int64_t{timegm(&t)} * 1000};
}

std::string subject(X509* certificate) {
  const Owned<char> line(X509_NAME_oneline(X509_get_subject_name(certificate), nullptr, 0));
  std::string out(line ? line.get() : "");
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20) c = '?';
  return out;
}

// By RFC 3820, or by the older habit of Globus: the last part of its name says so.
bool is_proxy(X509* certificate) {
  if (X509_get_ext_by_NID(certificate, NID_proxyCertInfo, -1) >= 0) return true;
  const std::string name = subject(certificate);
  return name.ends_with("/CN=proxy") || name.ends_with("/CN=limited proxy");
}

void add_voms(X509* certificate, Credential& c) {
  const Owned<ASN1_OBJECT> id(OBJ_txt2obj(kVomsExtension, 1));
  const int at = id ? X509_get_ext_by_OBJ(certificate, id.get(), -1) : -1;
  if (at < 0 || c.attributes_end.ms != 0 || !c.fqans.empty()) return;  // the youngest proxy's count
  const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
  if (value == nullptr) return;
  auto voms = read_voms({reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                         static_cast<std::size_t>(ASN1_STRING_length(value))});
  c.fqans = std::move(voms.fqans);
  c.attributes_end = voms.ends;
}

Status check_key(std::string_view content, X509* leaf) {
  const auto bio = reader(content);
  const auto no_passphrase = [](char* /*to*/, int /*size*/, int /*write*/, void* /*data*/) { return 0; };
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return unreadable("holds no private key that can be used without a passphrase");
  if (X509_check_private_key(leaf, key.get()) != 1) return unreadable("holds a private key of another certificate");
  return {};
}

Result<Credential> read_chain(std::string_view content) {
  const auto bio = reader(content);
  Credential c;
  c.type = Type::proxy;
  Owned<X509> leaf;
  for (int i = 0; i < kMostCertificates; ++i) {
    Owned<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) break;
    const Wall ends = wall_of(X509_get0_notAfter(certificate.get()));
    const Wall begins = wall_of(X509_get0_notBefore(certificate.get()));
    if (ends.ms == 0) return unreadable("holds a certificate without a time at which it ends");
    if (c.ends.ms == 0 || ends.ms < c.ends.ms) c.ends = ends;
    c.begins = std::max(c.begins, begins);
    add_voms(certificate.get(), c);
    if (c.identity.empty() && !is_proxy(certificate.get())) c.identity = subject(certificate.get());
    if (!leaf) leaf = std::move(certificate);
  }
  if (!leaf) return unreadable("holds no certificate that can be read");
  if (auto ok = check_key(content, leaf.get()); !ok) return fail(ok.error());
  return c;
}

}  // namespace

bool looks_like_pem(std::string_view content) { return content.find("-----BEGIN ") != std::string_view::npos; }

Result<Credential> read_proxy(std::string_view content) {
  if (content.size() > std::size_t{1} << 20U) return unreadable("is longer than 1 MiB");
  auto out = read_chain(content);
  ERR_clear_error();  // the end of the file is an error to OpenSSL
  return out;
}

}  // namespace apf::credential
