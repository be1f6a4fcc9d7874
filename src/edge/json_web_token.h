// A JSON Web Token taken apart. Nothing in it is true before its signature is verified.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace trainyard::edge {

struct JsonWebToken {
  std::string key_id;                 // "kid" of the header; empty: it names none
  std::string issuer;                 // "iss"
  std::string subject;                // "sub"; empty when absent, like the rest
  std::string audience;               // "aud"
  std::string scope;                  // "scope", separated by spaces
  bool wants_identity_token = false;  // "target_audience" is there
  absl::Time issued;
  absl::Time expires;
  std::string signed_text;  // header.payload, as sent
  std::string signature;    // decoded
};

inline constexpr size_t kJsonWebTokenBytesMax = 8 << 10;

// INVALID_ARGUMENT, with half a sentence that goes after "the token ", for everything that is not
// three parts of base64url, an RS256 header without a critical extension, and claims with
// iss, iat and exp of the right types.
absl::StatusOr<JsonWebToken> ParseJsonWebToken(absl::string_view token);

// The host of an https URL without its port, lower case, and the path ("/" at least); false for any
// other text.
bool ParseAudience(absl::string_view audience, std::string& host, std::string& path);

}  // namespace trainyard::edge
