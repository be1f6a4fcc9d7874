// Which names buckets and objects may have, and how an object's name is a path.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace trainyard::objects {

// Cloud Storage's rules. INVALID_ARGUMENT says which one is broken.
absl::Status CheckBucketName(absl::string_view name);

// The rules in objects.h. INVALID_ARGUMENT says which one is broken.
absl::Status CheckObjectName(absl::string_view name);

// A name that a job gave to a file and that an object may have.
bool IsObjectName(absl::string_view name);

// "dir/": the placeholder of a directory.
bool IsPlaceholder(absl::string_view name);

// "a/b/c" -> {"a/b", "c"}; "c" -> {"", "c"}.
std::pair<std::string, std::string> SplitPath(absl::string_view path);

}  // namespace trainyard::objects
