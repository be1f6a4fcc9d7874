// Answering a call with a message or an error.
#pragma once

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "edge/call.h"
#include "google/protobuf/empty.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace trainyard::api {

template <typename Reply>
void Send(edge::Responder& respond, absl::StatusOr<Reply> reply) {
  if (!reply.ok()) {
    respond(reply.status());
  } else {
    respond(std::make_unique<Reply>(*std::move(reply)));
  }
}

// google.protobuf.Empty, or the error.
inline void SendEmpty(edge::Responder& respond, const absl::Status& status) {
  if (!status.ok()) {
    respond(status);
  } else {
    respond(std::make_unique<google::protobuf::Empty>());
  }
}

inline google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  timestamp.set_nanos(static_cast<int>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(timestamp.seconds()))));
  return timestamp;
}

inline absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

}  // namespace trainyard::api
