#include "edge/access_token.h"

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "edge/openssl.h"

namespace trainyard::edge {
namespace {

absl::Status Refused() { return absl::InvalidArgumentError("is none that this server gave out"); }

}  // namespace

std::string EncodeAccessToken(const AccessToken& token, absl::string_view secret) {
  const std::string payload =
      absl::StrCat(token.account, "\n", token.key_id, "\n", absl::ToUnixSeconds(token.expires));
  const std::string text = absl::StrCat(kAccessTokenPrefix, absl::WebSafeBase64Escape(payload));
  return absl::StrCat(text, ".", absl::WebSafeBase64Escape(HmacSha256(secret, text)));
}

absl::StatusOr<AccessToken> DecodeAccessToken(absl::string_view text, absl::string_view secret) {
  const size_t dot = text.rfind('.');
  std::string code;
  if (dot == absl::string_view::npos || !absl::WebSafeBase64Unescape(text.substr(dot + 1), &code) ||
      !EqualSecrets(code, HmacSha256(secret, text.substr(0, dot)))) {
    return Refused();
  }
  std::string payload;
  const size_t prefix = sizeof(kAccessTokenPrefix) - 1;
  if (dot < prefix || !absl::WebSafeBase64Unescape(text.substr(prefix, dot - prefix), &payload)) {
    return Refused();
  }
  const std::vector<std::string> fields = absl::StrSplit(payload, '\n');
  int64_t expires = 0;
  if (fields.size() != 3 || !absl::SimpleAtoi(fields[2], &expires)) return Refused();
  return AccessToken{fields[0], fields[1], absl::FromUnixSeconds(expires)};
}

}  // namespace trainyard::edge
