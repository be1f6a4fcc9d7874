#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/connection.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace trainyard::cli {
namespace {

constexpr absl::Duration kLifetime = absl::Minutes(55);  // the server takes an hour at most

std::string Base64Url(absl::string_view bytes) {
  std::string text;
  absl::WebSafeBase64Escape(bytes, &text);
  absl::string_view trimmed = text;
  while (absl::ConsumeSuffix(&trimmed, "=")) {
  }
  return std::string(trimmed);
}

absl::StatusOr<std::string> Sign(const std::string& private_key_pem, const std::string& text) {
  std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(private_key_pem.data(), static_cast<int>(private_key_pem.size())), &BIO_free);
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  if (key == nullptr) return absl::InvalidArgumentError("the key file's private key is not PEM");
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free);
  size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1) {
    return absl::InvalidArgumentError("the key file's private key cannot sign");
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes, text.size()) != 1) {
    return absl::InvalidArgumentError("the key file's private key cannot sign");
  }
  signature.resize(size);
  return signature;
}

}  // namespace

absl::StatusOr<std::string> SignToken(const std::string& key_file_json, absl::Time now) {
  google::protobuf::Struct file;
  if (!google::protobuf::util::JsonStringToMessage(key_file_json, &file).ok()) {
    return absl::InvalidArgumentError("the credentials file is not JSON");
  }
  auto field = [&](const char* name) {
    return file.fields().count(name) ? file.fields().at(name).string_value() : "";
  };
  std::string email = field("client_email"), key_id = field("private_key_id");
  if (email.empty() || field("private_key").empty()) {
    return absl::InvalidArgumentError(
        "the credentials file is no service-account key: `trainyard keys create` makes one");
  }
  std::string header = absl::StrCat(R"({"alg":"RS256","typ":"JWT","kid":")", key_id, R"("})");
  std::string claims = absl::StrCat(
      R"({"iss":")", email, R"(","sub":")", email,
      R"(","scope":"https://www.googleapis.com/auth/cloud-platform","iat":)",
      absl::ToUnixSeconds(now), R"(,"exp":)", absl::ToUnixSeconds(now + kLifetime), "}");
  std::string text = absl::StrCat(Base64Url(header), ".", Base64Url(claims));
  absl::StatusOr<std::string> signature = Sign(field("private_key"), text);
  if (!signature.ok()) return signature.status();
  return absl::StrCat(text, ".", Base64Url(*signature));
}

}  // namespace trainyard::cli
