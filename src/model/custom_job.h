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
// google.rpc.BadRequest payload. OK when `errors` is empty.
absl::Status ErrorOfFields(const std::vector<FieldError>& errors);

// UNIMPLEMENTED with one sentence when a valid job needs what this version does not run (more than
// one replica, accelerators); OK otherwise.
absl::Status CheckSupported(const CustomJob& job);

// Fields that are accepted but have no effect here, one sentence each, for the job's log.
std::vector<std::string> FieldsWithoutEffect(const CustomJob& job);

// Defaults made explicit, as the service returns them: replica_count 1 for pool 0, disk, base
// directory's "/".
void FillDefaults(CustomJob& job);

trainyard::store::v1::ReplicaNeed NeedOf(const CustomJobSpec& spec, const MachineCatalog& machines);

// The environment, one NAME=VALUE in order: the user's first, then the service's, which win
// (section 3.1).
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

// CLUSTER_SPEC as JSON (section 3.2).
std::string ClusterSpecOf(const CustomJobSpec& spec, const ReplicaEnvironment& replica);

// "cmle-training-workerpool0-33d7222dd4-0"
std::string HostNameOf(const ReplicaEnvironment& replica);

// Expands $(NAME) from `variables`; an unknown name stays as it is; $$(NAME) gives $(NAME).
std::string ExpandVariables(absl::string_view text,
                            const std::map<std::string, std::string>& variables);

}  // namespace trainyard::model
