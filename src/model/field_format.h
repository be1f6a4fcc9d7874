// What a single field's text must look like. Pure predicates; none allocates for a good value.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/duration.pb.h"

namespace trainyard::model {

// Unicode code points of valid UTF-8.
size_t CountCodePoints(absl::string_view text);

bool IsCIdentifier(absl::string_view text);

// "a.b.c", as `python3 -m` takes it.
bool IsPythonModule(absl::string_view text);

// Lower-case letters, digits and hyphens, a letter first, no hyphen last; at most 63 characters.
bool IsDnsLabel(absl::string_view text);

bool IsEmail(absl::string_view text);

bool IsIpAddress(absl::string_view text);

// "gs://bucket", "gs://bucket/", "gs://bucket/dir"; no segment is "." or "..". With `needs_object`
// the name of an object: something follows the bucket, and no segment is empty.
bool IsGcsUri(absl::string_view text, bool needs_object);

// The bucket of a good gs:// URI.
absl::string_view BucketOf(absl::string_view uri);

// `pattern`: segments joined by "/", "*" for any segment, "#" for digits only:
// "projects/#/global/networks/*".
bool IsResourceName(absl::string_view text, absl::string_view pattern);

// One of Google's prebuilt training images, by its place in the registry.
bool IsPrebuiltTrainingImage(absl::string_view uri);

// A relative path without empty, "." and ".." segments.
bool IsRelativePath(absl::string_view text);

// A key or a value of a label: lower-case and caseless letters of any script, digits, "_" and "-";
// at most 64 code points. A key is not empty and starts with a letter.
bool IsLabelKey(absl::string_view text);
bool IsLabelValue(absl::string_view text);

// In the range that protobuf allows, and not below zero.
bool IsDuration(const google::protobuf::Duration& duration);

// For a message: in double quotes, cut after 60 bytes.
std::string Quoted(absl::string_view text);

}  // namespace trainyard::model
