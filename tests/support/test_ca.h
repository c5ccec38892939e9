// For tests: a private CA, made when the test runs, with certificates, RFC 3820 proxies and revocation lists; all in
// PEM files of one directory.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace apf::tests {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Freer<X509_free>>;

// A certificate with its key; `file` holds both and those between it and its CA.
struct Identity {
  Pkey key;
  Cert cert;
  std::string file;
  std::vector<X509*> chain;  // those above it but the CA, nearest first; borrowed
};

using Attributes = std::vector<std::pair<const char*, const char*>>;  // {"DC", "org"}, {"CN", "Robot"}
using Extensions = std::vector<std::pair<int, const char*>>;          // {NID_ext_key_usage, "clientAuth"}

class TestCa {
 public:
  explicit TestCa(std::string directory, const char* name = "Test CA") : directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_);
    Spec spec{
        {{"DC", "org"}, {"DC", "test"}, {"CN", name}}, {{NID_basic_constraints, "critical,CA:true"}}, 1000, nullptr};
    root_ = make(spec, std::string("ca-") + name);
  }
  [[nodiscard]] std::string file() const { return root_.file; }

  Identity issue(const Attributes& name, const Extensions& extensions, long lives_s = 1000) {
    return make({name, extensions, lives_s, &root_}, "cert-" + std::to_string(serial_));
  }
  Identity server() {
    return issue({{"CN", "localhost"}},
                 {{NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost"}, {NID_ext_key_usage, "serverAuth"}});
  }
  Identity client(const Attributes& name, long lives_s = 1000) {
    return issue(name, {{NID_key_usage, "digitalSignature"}, {NID_ext_key_usage, "clientAuth"}}, lives_s);
  }
  // A proxy of `of`: its name and one more CN, signed by its key.
  Identity proxy(const Identity& of) {
    Spec spec{{},
              {{NID_proxyCertInfo, "critical,language:id-ppl-inheritAll"}, {NID_key_usage, "digitalSignature"}},
              1000,
              &of};
    Identity made = make(spec, "proxy-" + std::to_string(serial_));
    return made;
  }
  // The directory form of CAs that grids have: <hash>.0 and, with a list of what is revoked, <hash>.r0.
  std::string hashed(const std::string& name, const std::vector<const Identity*>& revoked, bool with_list) {
    const std::string to = directory_ + "/" + name;
    std::filesystem::create_directories(to);
    char hash[16];
    std::snprintf(hash, sizeof hash, "%08lx",
                  X509_NAME_hash_ex(X509_get_subject_name(root_.cert.get()), nullptr, nullptr, nullptr));
    write(to + "/" + hash + ".0", [&](FILE* f) { PEM_write_X509(f, root_.cert.get()); });
    if (!with_list) return to;
    const std::unique_ptr<X509_CRL, Freer<X509_CRL_free>> list(X509_CRL_new());
    X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(root_.cert.get()));
    const std::unique_ptr<ASN1_TIME, Freer<ASN1_TIME_free>> now(X509_gmtime_adj(nullptr, -10)),
        then(X509_gmtime_adj(nullptr, 1000));
    X509_CRL_set1_lastUpdate(list.get(), now.get());
    X509_CRL_set1_nextUpdate(list.get(), then.get());
    for (const Identity* one : revoked) {
      X509_REVOKED* entry = X509_REVOKED_new();
      X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one->cert.get()));
      X509_REVOKED_set_revocationDate(entry, now.get());
      X509_CRL_add0_revoked(list.get(), entry);
    }
    X509_CRL_sign(list.get(), root_.key.get(), EVP_sha256());
    write(to + "/" + hash + ".r0", [&](FILE* f) { PEM_write_X509_CRL(f, list.get()); });
    return to;
  }

 private:
  struct Spec {
    Attributes name;
    Extensions extensions;
    long lives_s;            // below 0: has ended
    const Identity* issuer;  // null: itself
  };

  template <class F>
  static void write(const std::string& file, F&& f) {
    const std::unique_ptr<FILE, Freer<fclose>> out(std::fopen(file.c_str(), "w"));
    if (!out) throw std::runtime_error("can't write " + file);
    ::chmod(file.c_str(), 0600);
    f(out.get());
  }

  Identity make(const Spec& spec, const std::string& name) {
    Identity id{Pkey(EVP_EC_gen("P-256")), Cert(X509_new()), directory_ + "/" + name + ".pem", {}};
    X509* c = id.cert.get();
    const bool is_proxy = spec.name.empty();
    X509_set_version(c, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(c), -3600);
    X509_gmtime_adj(X509_getm_notAfter(c), spec.lives_s);
    X509_set_pubkey(c, id.key.get());
    if (is_proxy) X509_set_subject_name(c, X509_get_subject_name(spec.issuer->cert.get()));
    X509_NAME* subject = X509_get_subject_name(c);
    const std::string number = std::to_string(serial_);
    Attributes all = spec.name;
    if (is_proxy) all = {{"CN", number.c_str()}};
    for (const auto& [key, value] : all)
      X509_NAME_add_entry_by_txt(subject, key, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value), -1, -1, 0);
    X509* issuer = spec.issuer == nullptr ? c : spec.issuer->cert.get();
    X509_set_issuer_name(c, X509_get_subject_name(issuer));
    X509V3_CTX context{};
    X509V3_set_ctx(&context, issuer, c, nullptr, nullptr, 0);
    const std::unique_ptr<CONF, Freer<NCONF_free>> no_configuration(NCONF_new(nullptr));
    X509V3_set_nconf(&context, no_configuration.get());
    for (const auto& [nid, value] : spec.extensions) {
      const std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>> e(
          X509V3_EXT_nconf_nid(no_configuration.get(), &context, nid, value));
      if (!e || X509_add_ext(c, e.get(), -1) != 1) throw std::runtime_error(std::string("no extension ") + value);
    }
    const EVP_PKEY* signer = spec.issuer == nullptr ? id.key.get() : spec.issuer->key.get();
    if (X509_sign(c, const_cast<EVP_PKEY*>(signer), EVP_sha256()) == 0) throw std::runtime_error("can't sign");
    if (is_proxy) {
      id.chain = {spec.issuer->cert.get()};
      id.chain.insert(id.chain.end(), spec.issuer->chain.begin(), spec.issuer->chain.end());
    }
    write(id.file, [&](FILE* f) {
      PEM_write_X509(f, c);
      PEM_write_PrivateKey(f, id.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
      for (X509* above : id.chain) PEM_write_X509(f, above);
    });
    return id;
  }

  std::string directory_;
  long serial_ = 0;
  Identity root_;
};

}  // namespace apf::tests
