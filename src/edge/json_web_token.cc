#include "edge/json_web_token.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace trainyard::edge {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

absl::StatusOr<Struct> DecodePart(absl::string_view part, absl::string_view name) {
  std::string json;
  Struct fields;
  if (!absl::WebSafeBase64Unescape(part, &json) ||
      !google::protobuf::util::JsonStringToMessage(json, &fields).ok()) {
    return absl::InvalidArgumentError(absl::StrCat("has a ", name, " that is no base64url JSON"));
  }
  return fields;
}

// Empty when absent or no string.
std::string Text(const Struct& fields, const std::string& name) {
  const auto field = fields.fields().find(name);
  return field == fields.fields().end() ? "" : field->second.string_value();
}

absl::StatusOr<absl::Time> Seconds(const Struct& claims, const std::string& name) {
  constexpr double kEndOfTime = 253'402'300'799;  // the year 9999
  const auto field = claims.fields().find(name);
  if (field == claims.fields().end() || field->second.kind_case() != Value::kNumberValue ||
      !(field->second.number_value() >= 0 && field->second.number_value() <= kEndOfTime)) {
    return absl::InvalidArgumentError(absl::StrCat("has no ", name, " in seconds"));
  }
  return absl::FromUnixSeconds(static_cast<int64_t>(field->second.number_value()));
}

}  // namespace

absl::StatusOr<JsonWebToken> ParseJsonWebToken(absl::string_view token) {
  if (token.size() > kJsonWebTokenBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("is over ", kJsonWebTokenBytesMax, " bytes"));
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  if (parts.size() != 3) return absl::InvalidArgumentError("has not the three parts of a JWT");
  ASSIGN_OR_RETURN(const Struct header, DecodePart(parts[0], "header"));
  if (Text(header, "alg") != "RS256") {
    return absl::InvalidArgumentError("is not signed by RS256, the only algorithm taken");
  }
  if (header.fields().count("crit") != 0) {
    return absl::InvalidArgumentError("has critical extensions (crit); none is known");
  }
  ASSIGN_OR_RETURN(const Struct claims, DecodePart(parts[1], "payload"));
  JsonWebToken result;
  result.key_id = Text(header, "kid");
  result.issuer = Text(claims, "iss");
  result.subject = Text(claims, "sub");
  result.audience = Text(claims, "aud");
  result.scope = Text(claims, "scope");
  result.wants_identity_token = claims.fields().count("target_audience") != 0;
  if (result.issuer.empty()) return absl::InvalidArgumentError("names no account (iss)");
  ASSIGN_OR_RETURN(result.issued, Seconds(claims, "iat"));
  ASSIGN_OR_RETURN(result.expires, Seconds(claims, "exp"));
  if (!absl::WebSafeBase64Unescape(parts[2], &result.signature)) {
    return absl::InvalidArgumentError("has a signature that is no base64url");
  }
  result.signed_text = absl::StrCat(parts[0], ".", parts[1]);
  return result;
}

bool ParseAudience(absl::string_view audience, std::string& host, std::string& path) {
  if (!absl::ConsumePrefix(&audience, "https://")) return false;
  const size_t slash = audience.find('/');
  absl::string_view authority = audience.substr(0, slash);
  path = slash == absl::string_view::npos ? "/" : std::string(audience.substr(slash));
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  const bool has_port =
      colon != absl::string_view::npos && (bracket == absl::string_view::npos || colon > bracket);
  if (has_port) authority = authority.substr(0, colon);
  host = absl::AsciiStrToLower(authority);
  return !host.empty() && host.find('@') == std::string::npos;
}

}  // namespace trainyard::edge
