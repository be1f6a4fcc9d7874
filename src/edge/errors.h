// absl::Status inside, google.rpc.Status outside. Details travel as payloads of the status, keyed
// by their type URL: "type.googleapis.com/google.rpc.BadRequest".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "google/rpc/status.pb.h"

namespace trainyard::edge {

inline constexpr absl::string_view kTypeUrlPrefix = "type.googleapis.com/";

struct FieldViolation {
  std::string field;  // "custom_job.job_spec.worker_pool_specs[0]"; may be empty
  std::string description;
};
// INVALID_ARGUMENT that says all of them, one a line, with a google.rpc.BadRequest. Not empty.
absl::Status InvalidFields(const std::vector<FieldViolation>& violations);

// The status with one more detail.
absl::Status WithDetail(absl::Status status, const google::protobuf::Message& detail);

// Payloads in the order of their type URLs.
google::rpc::Status ToRpcStatus(const absl::Status& status);
absl::Status FromRpcStatus(const google::rpc::Status& status);

// What grpc-status-details-bin carries; empty for a status without details.
std::string StatusDetailsBytes(const absl::Status& status);

// "NOT_FOUND".
absl::string_view StatusName(absl::StatusCode code);

// Google's error body with an HTTP status of its own: 405 has no code of google.rpc.
std::string ErrorJson(int http_status, const absl::Status& status);

}  // namespace trainyard::edge
