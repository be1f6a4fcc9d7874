// gcloud's two ways to write a custom job: repeated --worker-pool-spec flags, and a --config file.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/cloud/aiplatform/v1/custom_job.pb.h"

namespace trainyard::cli {

// "machine-type=n1-standard-4,replica-count=1,container-image-uri=python:3.11". Keys: replica-count
// (1), machine-type, accelerator-type, accelerator-count (1), container-image-uri |
// executor-image-uri, python-module, disk-type, disk-size. An empty text is a skipped pool.
// INVALID_ARGUMENT names the key and what is known.
absl::StatusOr<google::cloud::aiplatform::v1::WorkerPoolSpec> ParseWorkerPoolSpec(
    absl::string_view text);

// YAML or JSON of a CustomJobSpec, names in camelCase or snake_case. INVALID_ARGUMENT with the line
// or the field.
absl::StatusOr<google::cloud::aiplatform::v1::CustomJobSpec> ParseJobSpecFile(
    const std::string& text);

// "a=b,c=d"
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParsePairs(absl::string_view text);

// JSON text to YAML, for --format=yaml.
std::string JsonToYaml(const std::string& json);

}  // namespace trainyard::cli
