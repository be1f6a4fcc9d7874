// The catalogue: which image names this version serves, and by which environment.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trainyard::runtime {

// Python packages on top of the base, as a resolved lock (see environments/).
struct Environment {
  std::string name;
  absl::string_view lock;  // uv's requirements with hashes; linked into the program
};

// NOT_FOUND, listing the names that are known, for a well-formed name outside the catalogue;
// INVALID_ARGUMENT for a malformed one. Google's three regional hosts are one; a missing tag is
// ":latest".
absl::StatusOr<Environment> FindEnvironment(absl::string_view image_uri);

// Whether `image_uri` is a well-formed image reference: [host/]path[:tag][@sha256:digest].
// INVALID_ARGUMENT otherwise.
absl::Status CheckImageName(absl::string_view image_uri);

// The names for people, one an environment.
std::vector<std::string> KnownImages();

}  // namespace trainyard::runtime
