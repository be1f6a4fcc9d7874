// Which resource a request is about, and whether its project and location are served here.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace trainyard::edge {

// The values of `field_path` ("custom_job.name"); several where its last field is repeated. One
// empty value where the path is empty. INVALID_ARGUMENT where the request does not give it.
absl::StatusOr<std::vector<std::string>> ResourcesOf(const google::protobuf::Message& request,
                                                     absl::string_view field_path);

// Where a server's projects and locations are listed, or not.
struct ServedPlaces {
  std::vector<std::string> projects;   // empty: any
  std::vector<std::string> locations;  // never empty
};

// Looks at "projects/P" and "locations/L" at the start of `resource` alone; the rest is the
// handler's to judge. INVALID_ARGUMENT that names the right ones.
absl::Status CheckPlace(absl::string_view resource, const ServedPlaces& places);

}  // namespace trainyard::edge
