#include <algorithm>

#include "absl/strings/str_cat.h"
#include "model/custom_job.h"
#include "model/validate_parts.h"

namespace trainyard::model {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

constexpr char kMasterPort[] = "3333";
constexpr char kHttpHandlerPort[] = "8080";

using Variables = std::vector<std::pair<std::string, std::string>>;

// Where PyTorch's env:// finds its peers: the replicas of pools 0 and 1, in this order.
void AppendRendezvous(const CustomJobSpec& spec, const ReplicaEnvironment& replica,
                      Variables& variables) {
  int64_t world = 0;
  for (int pool = 0; pool < 2 && pool < spec.worker_pool_specs_size(); ++pool) {
    const v1::WorkerPoolSpec& workers = spec.worker_pool_specs(pool);
    if (!IsEmptyPool(workers)) world += std::max<int64_t>(1, workers.replica_count());
  }
  ReplicaEnvironment primary = replica;
  primary.pool = primary.index = 0;
  bool is_primary = replica.pool == 0;
  variables.emplace_back("MASTER_ADDR", is_primary ? "localhost" : HostNameOf(primary));
  variables.emplace_back("MASTER_PORT", kMasterPort);
  if (replica.pool > 1) return;  // takes no part
  variables.emplace_back("RANK", absl::StrCat(is_primary ? 0 : 1 + replica.index));
  variables.emplace_back("WORLD_SIZE", absl::StrCat(world));
}

Variables ServiceVariables(const CustomJobSpec& spec, const ReplicaEnvironment& replica) {
  Variables variables;
  if (spec.has_base_output_directory()) {
    const std::string& base = spec.base_output_directory().output_uri_prefix();
    absl::string_view slash = base.empty() || base.back() != '/' ? "/" : "";
    variables.emplace_back("AIP_MODEL_DIR", absl::StrCat(base, slash, "model/"));
    variables.emplace_back("AIP_CHECKPOINT_DIR", absl::StrCat(base, slash, "checkpoints/"));
    variables.emplace_back("AIP_TENSORBOARD_LOG_DIR", absl::StrCat(base, slash, "logs/"));
  }
  variables.emplace_back("AIP_HTTP_HANDLER_PORT", kHttpHandlerPort);
  variables.emplace_back("CLOUD_ML_PROJECT_ID", ProjectNumber(replica.project));
  variables.emplace_back("CLOUD_ML_JOB_ID", replica.job_id);
  variables.emplace_back("CLOUD_ML_REGION", replica.location);
  variables.emplace_back("CLUSTER_SPEC", ClusterSpecOf(spec, replica));
  AppendRendezvous(spec, replica, variables);
  return variables;
}

const google::protobuf::RepeatedPtrField<v1::EnvVar>& UserVariables(
    const v1::WorkerPoolSpec& pool) {
  return pool.has_python_package_spec() ? pool.python_package_spec().env()
                                        : pool.container_spec().env();
}

}  // namespace

Variables EnvironmentOf(const CustomJobSpec& spec, const ReplicaEnvironment& replica) {
  Variables service = ServiceVariables(spec, replica);
  std::map<std::string, std::string> known(service.begin(), service.end());
  Variables result;
  if (replica.pool < spec.worker_pool_specs_size()) {
    for (const v1::EnvVar& variable : UserVariables(spec.worker_pool_specs(replica.pool))) {
      if (known.contains(variable.name())) continue;  // the service's
      std::string value = ExpandVariables(variable.value(), known);
      known[variable.name()] = value;
      result.emplace_back(variable.name(), std::move(value));
    }
  }
  result.insert(result.end(), service.begin(), service.end());
  return result;
}

}  // namespace trainyard::model
