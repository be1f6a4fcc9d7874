// OpenSSL's objects with owners, and the few operations that identity is built from. No function
// here puts key material into an error.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trainyard::edge {

struct OpenSslDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using KeyPointer = std::unique_ptr<EVP_PKEY, OpenSslDeleter>;
using CertificatePointer = std::unique_ptr<X509, OpenSslDeleter>;
using BioPointer = std::unique_ptr<BIO, OpenSslDeleter>;

// INTERNAL with `what` and OpenSSL's reason; empties this thread's error queue.
absl::Status OpenSslError(absl::string_view what);

absl::StatusOr<KeyPointer> MakeEllipticKey();  // P-256
absl::StatusOr<KeyPointer> MakeRsaKey(int bits);

// PEM: PKCS #8 without encryption, and SubjectPublicKeyInfo.
absl::StatusOr<std::string> PrivateKeyPem(EVP_PKEY* key);
absl::StatusOr<std::string> PublicKeyPem(EVP_PKEY* key);
absl::StatusOr<std::string> CertificatePem(X509* certificate);
// INVALID_ARGUMENT when it is no such PEM.
absl::StatusOr<KeyPointer> ReadPrivateKeyPem(absl::string_view pem);
absl::StatusOr<KeyPointer> ReadPublicKeyPem(absl::string_view pem);
absl::StatusOr<CertificatePointer> ReadCertificatePem(absl::string_view pem);

std::string Sha256(absl::string_view text);  // 32 bytes
std::string HmacSha256(absl::string_view secret, absl::string_view text);
// In a time that tells nothing of where they differ.
bool EqualSecrets(absl::string_view left, absl::string_view right);

// RSASSA-PKCS1-v1_5 with SHA-256. False for anything but an RSA key and a good signature.
bool VerifyRs256(EVP_PKEY* key, absl::string_view text, absl::string_view signature);
absl::StatusOr<std::string> SignRs256(EVP_PKEY* key, absl::string_view text);

}  // namespace trainyard::edge
