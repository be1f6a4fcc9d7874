#include "edge/rest_query.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "edge/http_handler.h"
#include "edge/wire.h"

namespace trainyard::edge {
namespace {

// No request is so long; each one costs an allocation.
constexpr size_t kParametersMax = 1000;

// Who pays, who asks, how it is counted: of no effect here. A credential is taken from the header
// alone, so that it stands in no log of URLs.
constexpr absl::string_view kIgnored[] = {
    "access_token", "apiVersion",      "bearer_token", "key",         "oauth_token", "quotaUser",
    "unique",       "upload_protocol", "uploadType",   "userProject", "userIp",      ".xgafv",
};

absl::Status NotServed(absl::string_view name, absl::string_view value, absl::string_view instead) {
  return absl::InvalidArgumentError(
      absl::StrCat("The system parameter ", name, "=", value, " is not served; ", instead, "."));
}

// "json", "json;enum-encoding=int".
absl::Status SetAlt(absl::string_view value, RestQuery& query) {
  std::vector<absl::string_view> parts = absl::StrSplit(value, ';');
  if (parts[0] != "json" && !parts[0].empty()) {
    return NotServed("alt", parts[0], "use alt=json, or gRPC for binary messages");
  }
  for (size_t i = 1; i < parts.size(); ++i) {
    if (absl::StripAsciiWhitespace(parts[i]) == "enum-encoding=int") query.enums_as_numbers = true;
  }
  return absl::OkStatus();
}

// False where `name` is no system parameter.
absl::StatusOr<bool> TakeSystemParameter(absl::string_view name, absl::string_view value,
                                         RestQuery& query) {
  name = absl::StripPrefix(name, "$");
  if (name == "alt") {
    RETURN_IF_ERROR(SetAlt(value, query));
  } else if (name == "prettyPrint" || name == "pp") {
    query.pretty = !absl::EqualsIgnoreCase(value, "false") && value != "0";
  } else if (name == "fields") {
    query.fields = std::string(value);
  } else if (name == "callback") {
    return NotServed(name, value, "JSONP is not safe, use CORS");
  } else {
    return std::find(std::begin(kIgnored), std::end(kIgnored), name) != std::end(kIgnored);
  }
  return true;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = absl::ascii_tolower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

absl::StatusOr<std::string> PercentDecode(absl::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return absl::InvalidArgumentError(
            "The URL has a '%' that two hexadecimal digits do not follow.");
      }
      out.push_back(static_cast<char>(high << 4 | low));
      i += 2;
    } else {
      out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

absl::StatusOr<RestQuery> ParseRestQuery(absl::string_view raw) {
  RestQuery query;
  if (raw.empty()) return query;
  for (absl::string_view part : absl::StrSplit(raw, '&', absl::SkipEmpty())) {
    std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    ASSIGN_OR_RETURN(std::string name, PercentDecode(halves.first, /*plus_is_space=*/true));
    ASSIGN_OR_RETURN(std::string value, PercentDecode(halves.second, /*plus_is_space=*/true));
    if (!IsValidUtf8(name) || !IsValidUtf8(value)) {
      return absl::InvalidArgumentError("The query is not UTF-8.");
    }
    ASSIGN_OR_RETURN(bool taken, TakeSystemParameter(name, value, query));
    if (taken) continue;
    if (query.parameters.size() == kParametersMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("The query has more than ", kParametersMax, " parameters."));
    }
    query.parameters.emplace_back(std::move(name), std::move(value));
  }
  return query;
}

}  // namespace trainyard::edge
