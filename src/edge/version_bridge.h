// v1beta1 calls served by v1 handlers. Both versions give the same field the same number, so the
// bytes of one are those of the other, except the type URLs inside google.protobuf.Any.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"

namespace trainyard::edge {

// OK where every field that both have (by number) has the same name, kind and, again, a twin type.
absl::Status CheckSameShape(const google::protobuf::Descriptor& one,
                            const google::protobuf::Descriptor& other);

// Rewrites each type URL of an Any, also of one within another, from version `from` ("v1beta1") to
// `to` ("v1"), where the pool has the type in that version. `type` describes `bytes`. Fields that
// are unknown, and all else, stay byte for byte. INVALID_ARGUMENT on malformed bytes.
absl::StatusOr<std::string> RewriteVersion(absl::string_view bytes,
                                           const google::protobuf::Descriptor& type,
                                           absl::string_view from, absl::string_view to);

// "google.cloud.aiplatform.v1beta1.JobService" -> "google.cloud.aiplatform.v1.JobService"; empty
// where the name is of no such package.
std::string InVersion(absl::string_view full_name, absl::string_view from, absl::string_view to);

}  // namespace trainyard::edge
