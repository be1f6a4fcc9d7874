// gRPC's own services over the whole table: reflection and health.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "edge/method_table.h"

namespace trainyard::edge {

// One message of ServerReflectionInfo's stream to its one answer, both serialized, for
// grpc.reflection.v1 and v1alpha alike: their messages have the same bytes. What is not found is an
// answer too; INVALID_ARGUMENT only for bytes that are no request.
absl::StatusOr<std::string> AnswerReflection(const MethodTable& table, absl::string_view request);

// grpc.health.v1.Health/Check as an ordinary method, for every caller with a credential: SERVING
// for the server (an empty name) and for each service with a method that is implemented,
// NOT_SERVING for a service without, NOT_FOUND for an unknown one. `table` outlives its own
// registrations.
void RegisterHealth(MethodTable& table);

}  // namespace trainyard::edge
