#include "edge/test_certificate.h"

#include <openssl/x509v3.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "base/log.h"
#include "edge/openssl.h"

namespace trainyard::edge {
namespace {

void AddExtension(X509* certificate, int nid, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
  CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

CertificatePointer SelfSign(EVP_PKEY* key, const std::string& common_name) {
  CertificatePointer certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), name);
  AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  CHECK(X509_sign(certificate.get(), key, EVP_sha256()) > 0);
  return certificate;
}

// As the real files are replaced: written beside and renamed.
void Write(const std::string& path, const std::string& contents) {
  std::ofstream(path + ".new", std::ios::binary) << contents;
  std::filesystem::rename(path + ".new", path);
}

}  // namespace

TestCertificate::TestCertificate() {
  std::string pattern = (std::filesystem::temp_directory_path() / "trainyard-tls-XXXXXX").string();
  CHECK(mkdtemp(pattern.data()) != nullptr);
  directory_ = pattern;
  Replace("first");
}

TestCertificate::~TestCertificate() { std::filesystem::remove_all(directory_); }

void TestCertificate::Replace(const std::string& common_name) {
  absl::StatusOr<KeyPointer> key = MakeEllipticKey();
  CHECK(key.ok());
  CertificatePointer certificate = SelfSign(key->get(), common_name);
  pem_ = CertificatePem(certificate.get()).value();
  Write(files().private_key, PrivateKeyPem(key->get()).value());
  Write(files().certificate_chain, pem_);
}

TlsFiles TestCertificate::files() const {
  return {directory_ + "/server.pem", directory_ + "/server.key"};
}

}  // namespace trainyard::edge
