// Resource names.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trainyard::model {

// "projects/{project}/locations/{location}"
struct Location {
  std::string project;
  std::string location;
  std::string ToString() const;
  bool operator==(const Location&) const = default;
};

// "projects/{project}/locations/{location}/{collection}/{id}"
struct ResourceName {
  Location parent;
  std::string collection;  // "customJobs"
  std::string id;
  std::string ToString() const;
  bool operator==(const ResourceName&) const = default;
};

// INVALID_ARGUMENT naming the form that was expected.
absl::StatusOr<Location> ParseLocation(absl::string_view name);
absl::StatusOr<ResourceName> ParseResourceName(absl::string_view name,
                                               absl::string_view collection);

// "projects/P/locations/L[/collection/id]/operations/OP" -> the canonical
// "projects/P/locations/L/operations/OP".
absl::StatusOr<ResourceName> ParseOperationName(absl::string_view name);

// Google's region names that Vertex AI serves (the Python SDK's and gcloud's lists), sorted.
const std::vector<std::string>& Regions();

// The stable number that stands for a project id where Google's service shows a project number: 12
// digits, from a hash of the id; a name of digits only is its own number.
std::string ProjectNumber(absl::string_view project);

}  // namespace trainyard::model
