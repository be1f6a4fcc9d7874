// The query of a REST call: Google's system parameters apart from the request's own fields.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trainyard::edge {

struct RestQuery {
  bool pretty = true;             // prettyPrint
  bool enums_as_numbers = false;  // $alt=json;enum-encoding=int
  std::string fields;             // a partial response; empty: all of it
  // What is left, decoded, in order: fields of the request.
  std::vector<std::pair<std::string, std::string>> parameters;
};

// `raw`: as sent, without the '?'. INVALID_ARGUMENT on a broken escape, on what is asked for but
// not served (alt=proto, callback), and on what is no UTF-8.
absl::StatusOr<RestQuery> ParseRestQuery(absl::string_view raw);

}  // namespace trainyard::edge
