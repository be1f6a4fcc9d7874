#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "edge/accounts.h"
#include "edge/json_quote.h"
#include "edge/openssl.h"

namespace trainyard::edge {
namespace {

constexpr int kRsaBits = 2048;
constexpr int kKeyIdLength = 40;  // as Google's

std::string EscapeUrl(absl::string_view text) {
  std::string escaped;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (absl::ascii_isalnum(byte) || character == '-' || character == '_' || character == '.' ||
        character == '~') {
      escaped += character;
    } else {
      absl::StrAppend(&escaped, "%",
                      absl::AsciiStrToUpper(absl::StrCat(absl::Hex(byte, absl::kZeroPad2))));
    }
  }
  return escaped;
}

}  // namespace

absl::StatusOr<NewKey> MakeServiceAccountKey(base::Random& random, absl::string_view email,
                                             absl::string_view project,
                                             absl::string_view token_uri) {
  ASSIGN_OR_RETURN(const KeyPointer key, MakeRsaKey(kRsaBits));
  ASSIGN_OR_RETURN(const std::string private_key_pem, PrivateKeyPem(key.get()));
  NewKey result;
  ASSIGN_OR_RETURN(result.public_key_pem, PublicKeyPem(key.get()));
  result.key_id = base::NewHex(random, kKeyIdLength);
  const std::string certificate_url =
      absl::StrCat("https://www.googleapis.com/robot/v1/metadata/x509/", EscapeUrl(email));
  // Google's clients refuse a file that lacks one of these, also those of no use here.
  const std::pair<const char*, std::string> fields[] = {
      {"type", "service_account"},
      {"project_id", std::string(project)},
      {"private_key_id", result.key_id},
      {"private_key", private_key_pem},
      {"client_email", std::string(email)},
      {"client_id", absl::StrCat("10", base::NewNumericId(random))},
      {"auth_uri", "https://accounts.google.com/o/oauth2/auth"},
      {"token_uri", std::string(token_uri)},
      {"auth_provider_x509_cert_url", "https://www.googleapis.com/oauth2/v1/certs"},
      {"client_x509_cert_url", certificate_url},
      {"universe_domain", "googleapis.com"}};
  std::string separator = "{\n  ";
  for (const auto& [name, value] : fields) {
    absl::StrAppend(&result.key_file_json, separator, QuoteJson(name), ": ", QuoteJson(value));
    separator = ",\n  ";
  }
  result.key_file_json += "\n}\n";
  return result;
}

}  // namespace trainyard::edge
