#include "edge/openssl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace trainyard::edge {
namespace {

using DigestContext = std::unique_ptr<EVP_MD_CTX, OpenSslDeleter>;

BioPointer ReadOnly(absl::string_view text) {
  return BioPointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

absl::StatusOr<std::string> Contents(const BioPointer& bio) {
  char* data = nullptr;
  const int64_t size = BIO_get_mem_data(bio.get(), &data);
  if (size <= 0) return OpenSslError("write PEM");
  return std::string(data, static_cast<size_t>(size));
}

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

absl::Status OpenSslError(absl::string_view what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  absl::Status status =
      absl::InternalError(absl::StrCat(what, ": ", reason == nullptr ? "failed" : reason));
  ERR_clear_error();
  return status;
}

absl::StatusOr<KeyPointer> MakeEllipticKey() {
  KeyPointer key(EVP_EC_gen("P-256"));
  if (key == nullptr) return OpenSslError("make a P-256 key");
  return key;
}

absl::StatusOr<KeyPointer> MakeRsaKey(int bits) {
  KeyPointer key(EVP_RSA_gen(static_cast<unsigned>(bits)));
  if (key == nullptr) return OpenSslError("make an RSA key");
  return key;
}

absl::StatusOr<std::string> PrivateKeyPem(EVP_PKEY* key) {
  const BioPointer bio(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpenSslError("write the private key");
  }
  return Contents(bio);
}

absl::StatusOr<std::string> PublicKeyPem(EVP_PKEY* key) {
  const BioPointer bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PUBKEY(bio.get(), key) != 1) return OpenSslError("write the public key");
  return Contents(bio);
}

absl::StatusOr<std::string> CertificatePem(X509* certificate) {
  const BioPointer bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) return OpenSslError("write the certificate");
  return Contents(bio);
}

absl::StatusOr<KeyPointer> ReadPrivateKeyPem(absl::string_view pem) {
  // Without this, OpenSSL asks the terminal for the password of an encrypted key.
  const auto no_password = [](char*, int, int, void*) { return 0; };
  KeyPointer key(PEM_read_bio_PrivateKey(ReadOnly(pem).get(), nullptr, no_password, nullptr));
  if (key == nullptr) return absl::InvalidArgumentError(OpenSslError("private key").message());
  return key;
}

absl::StatusOr<KeyPointer> ReadPublicKeyPem(absl::string_view pem) {
  KeyPointer key(PEM_read_bio_PUBKEY(ReadOnly(pem).get(), nullptr, nullptr, nullptr));
  if (key == nullptr) return absl::InvalidArgumentError(OpenSslError("public key").message());
  return key;
}

absl::StatusOr<CertificatePointer> ReadCertificatePem(absl::string_view pem) {
  CertificatePointer certificate(PEM_read_bio_X509(ReadOnly(pem).get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) {
    return absl::InvalidArgumentError(OpenSslError("certificate").message());
  }
  return certificate;
}

std::string Sha256(absl::string_view text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(Bytes(text), text.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::string HmacSha256(absl::string_view secret, absl::string_view text) {
  std::string code(SHA256_DIGEST_LENGTH, '\0');
  unsigned int size = 0;
  const unsigned char* result =
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), Bytes(text), text.size(),
           reinterpret_cast<unsigned char*>(code.data()), &size);
  CHECK(result != nullptr && size == code.size());
  return code;
}

bool EqualSecrets(absl::string_view left, absl::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

bool VerifyRs256(EVP_PKEY* key, absl::string_view text, absl::string_view signature) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return false;
  const DigestContext context(EVP_MD_CTX_new());
  const bool good = EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
                    EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(text),
                                     text.size()) == 1;
  ERR_clear_error();
  return good;
}

absl::StatusOr<std::string> SignRs256(EVP_PKEY* key, absl::string_view text) {
  const DigestContext context(EVP_MD_CTX_new());
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(key)), '\0');
  size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     Bytes(text), text.size()) != 1) {
    return OpenSslError("sign");
  }
  signature.resize(size);
  return signature;
}

}  // namespace trainyard::edge
