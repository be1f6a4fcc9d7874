// Partial responses: the system parameter `fields`.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace trainyard::edge {

// What to print below one field. Names are the fields' own ("job_spec").
struct FieldSelection {
  bool all = false;
  std::map<std::string, FieldSelection, std::less<>> fields;
};

// "customJobs(name,state),nextPageToken", "jobSpec/workerPoolSpecs/machineSpec", "*". Both name
// styles, '.' like '/'. INVALID_ARGUMENT naming the field that `type` does not have.
absl::StatusOr<FieldSelection> ParseFieldSelection(absl::string_view text,
                                                   const google::protobuf::Descriptor& type);

}  // namespace trainyard::edge
