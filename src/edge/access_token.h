// Access tokens that this server gives out: "ty1.PAYLOAD.CODE", where CODE is an HMAC of the rest.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace trainyard::edge {

struct AccessToken {
  std::string account;
  std::string key_id;  // the key whose signature it was given for; empty: none, the server's own
  absl::Time expires;  // whole seconds
};

inline constexpr char kAccessTokenPrefix[] = "ty1.";

std::string EncodeAccessToken(const AccessToken& token, absl::string_view secret);

// INVALID_ARGUMENT unless it was encoded with this secret. Does not look at the time.
absl::StatusOr<AccessToken> DecodeAccessToken(absl::string_view text, absl::string_view secret);

}  // namespace trainyard::edge
