// REST to messages and back: a request's path, query and body to the bytes of the method's request,
// the response's bytes to JSON. Pure.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "edge/http_binding.h"
#include "edge/method_table.h"
#include "edge/rest_query.h"

namespace trainyard::edge {

// Every binding of every method of the table, and those of the mixed-in services. `table` outlives
// it. Where two rules are equal, the method whose name sorts first has it.
absl::StatusOr<RouteTable> MakeRoutes(const MethodTable& table);

// The serialized request of `match.binding`, which is not null. What the path binds wins over the
// same field in the body. INVALID_ARGUMENT, as a google.rpc.BadRequest where fields are at fault.
absl::StatusOr<std::string> TranscodeRequest(const RouteMatch& match, const RestQuery& query,
                                             absl::string_view content_type,
                                             absl::string_view body);

struct RestBody {
  std::string content_type;
  std::string bytes;
};
// `response`: serialized, of the binding's own method. A google.api.HttpBody goes out as it is.
absl::StatusOr<RestBody> TranscodeResponse(const HttpBinding& binding, const RestQuery& query,
                                           absl::string_view response);

}  // namespace trainyard::edge
