// Validation of a custom job, and what its replicas see. Pure functions over the official message.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/cloud/aiplatform/v1/custom_job.pb.h"
#include "model/machine_types.h"
#include "model/names.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::model {

using google::cloud::aiplatform::v1::CustomJob;
using google::cloud::aiplatform::v1::CustomJobSpec;

// One violated rule: the field's snake_case path and a text.
struct FieldError {
  std::string field;
  std::string message;
};

struct ValidationContext {
  const MachineCatalog* machines = nullptr;
  Location parent;
};

// Every violated rule of the whole job, in field order; empty when it is valid.
std::vector<FieldError> ValidateCustomJob(const CustomJob& job, const ValidationContext& context);

// INVALID_ARGUMENT in Vertex's form ("List of found errors:\t1.Field: ...; Message: ...\t") with a
// google.rpc.BadRequest payload. OK when `errors` is empty. What is beyond the 2 KiB that a gRPC
// trailer has room for is counted, not listed.
absl::Status ErrorOfFields(const std::vector<FieldError>& errors);

// UNIMPLEMENTED with one sentence when a valid job needs what this version does not run (more than
// one replica, accelerators, file-system mounts, ...); OK otherwise.
absl::Status CheckSupported(const CustomJob& job, const MachineCatalog& machines);

// Fields that are accepted but have no effect here, one sentence each, for the job's log. For a job
// with its defaults filled.
std::vector<std::string> FieldsWithoutEffect(const CustomJob& job);

// What a caller may not set: a create ignores it.
void ClearOutputFields(CustomJob& job);

// Defaults made explicit, as the service returns them: replica_count 1 for pool 0, disk, base
// directory's "/".
void FillDefaults(CustomJob& job);

// The job's timeout, or its default.
absl::Duration TimeoutOf(const CustomJobSpec& spec);

trainyard::store::v1::ReplicaNeed NeedOf(const CustomJobSpec& spec, const MachineCatalog& machines);

// The environment, complete and expanded, in order, each name once: the user's first, then the
// service's, which win over the user's of the same name.
struct ReplicaEnvironment {
  std::string job_id;
  std::string project;
  std::string location;
  std::string attempt_hash;  // 10 hexadecimal digits, the same for all pools of one attempt
  int pool = 0;
  int index = 0;
};
std::vector<std::pair<std::string, std::string>> EnvironmentOf(const CustomJobSpec& spec,
                                                               const ReplicaEnvironment& replica);

// CLUSTER_SPEC as JSON: the hosts of each pool, this replica's place, and the job's spec as proto3
// JSON. The spec is left out where the whole would not fit into one environment variable.
std::string ClusterSpecOf(const CustomJobSpec& spec, const ReplicaEnvironment& replica);

// "cmle-training-workerpool0-33d7222dd4-0"
std::string HostNameOf(const ReplicaEnvironment& replica);

// Expands $(NAME) from `variables`; an unknown name stays as it is, and so does one whose value
// would make the result longer than 128 KiB; $$(NAME) gives $(NAME). What a value holds is not
// expanded again.
std::string ExpandVariables(absl::string_view text,
                            const std::map<std::string, std::string>& variables);

}  // namespace trainyard::model
