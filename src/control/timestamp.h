// Times of the API's messages: microseconds, as the store's columns have them.
#pragma once

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace trainyard::control {

google::protobuf::Timestamp ToTimestamp(absl::Time time);
absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp);
absl::Duration FromDuration(const google::protobuf::Duration& duration);

}  // namespace trainyard::control
