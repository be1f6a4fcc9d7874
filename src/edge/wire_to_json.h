// Wire bytes to proto3 JSON, by descriptors alone.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "edge/field_selection.h"
#include "google/protobuf/descriptor.h"

namespace trainyard::edge {

struct JsonOptions {
  bool pretty = true;
  bool enums_as_numbers = false;
  const FieldSelection* fields = nullptr;  // null: all
};

// As Google's front end prints: lowerCamelCase names, absent and default fields left out, int64 as
// strings, Any expanded from `type`'s pool. Map entries are in the order of their keys, so the same
// message always gives the same text. Ends with a newline where pretty. INTERNAL on malformed
// bytes.
absl::StatusOr<std::string> WireToJson(absl::string_view bytes,
                                       const google::protobuf::Descriptor& type,
                                       const JsonOptions& options);

// The content of a google.protobuf.Any, as an object with "@type". A type that `pool` does not
// know, or malformed content, is shown as {"@type": ..., "value": base64}.
std::string AnyToJson(const google::protobuf::DescriptorPool& pool, absl::string_view type_url,
                      absl::string_view value, int indent);

}  // namespace trainyard::edge
