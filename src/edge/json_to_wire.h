// proto3 JSON to wire bytes, by descriptors alone.
//
// Takes what Google's own front end takes: both name styles, enums by name or number, numbers as
// strings, null for an absent field. All wrong fields of a message are named in one
// INVALID_ARGUMENT in Google's wording; a text that is no JSON is refused at its first fault.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace trainyard::edge {

// A message. Appends to `out`; nothing is promised of it after an error.
absl::Status JsonToWire(absl::string_view json, const google::protobuf::Descriptor& type,
                        std::string& out);

// The value of one field of a message, with its tag.
absl::Status JsonToWire(absl::string_view json, const google::protobuf::FieldDescriptor& field,
                        std::string& out);

// A single value as a URL holds it, decoded: no quotes around strings. With its tag; one element of
// a repeated field. `path` names the field in errors.
absl::Status TextToWire(absl::string_view text, const google::protobuf::FieldDescriptor& field,
                        absl::string_view path, std::string& out);

// By its own name or its JSON name; null where there is none.
const google::protobuf::FieldDescriptor* FindField(const google::protobuf::Descriptor& type,
                                                   absl::string_view name);

// "TYPE_STRING", or the type URL of an enum or message: how Google's errors name a type.
std::string TypeLabel(const google::protobuf::FieldDescriptor& field);

}  // namespace trainyard::edge
