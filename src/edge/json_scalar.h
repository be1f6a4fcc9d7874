// One scalar of proto3 JSON to wire bytes.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "edge/json_reader.h"
#include "google/protobuf/descriptor.h"

namespace trainyard::edge {

// A JSON string, number, true or false. `text`: a string's content, a number as written.
struct JsonScalar {
  JsonKind kind = JsonKind::kString;
  absl::string_view text;
};

// With the field's tag. False where the value does not fit the type; `out` is as it was then.
bool ScalarToWire(const JsonScalar& value, const google::protobuf::FieldDescriptor& field,
                  std::string& out);

// The content of a well-known type whose JSON is a string: Timestamp, Duration, FieldMask.
bool WellKnownTextToWire(absl::string_view text, const google::protobuf::Descriptor& type,
                         std::string& out);

}  // namespace trainyard::edge
