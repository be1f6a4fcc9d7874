#include "control/replicas.h"

#include "control/timestamp.h"

namespace trainyard::control {

using trainyard::store::v1::CustomJobRecord;
using trainyard::store::v1::ReplicaStatus;

bool HasEnded(const ReplicaStatus& replica) {
  return replica.phase() == ReplicaStatus::EXITED || replica.phase() == ReplicaStatus::LOST;
}

int ReplicaNumber(const CustomJobRecord& record, const std::string& replica_id) {
  for (int i = 0; i < record.status().replicas_size(); ++i) {
    if (record.status().replicas(i).replica_id() == replica_id) return i;
  }
  return -1;
}

absl::Duration TimeoutOf(const google::cloud::aiplatform::v1::CustomJob& job) {
  absl::Duration timeout = FromDuration(job.job_spec().scheduling().timeout());
  return timeout > absl::ZeroDuration() ? timeout : absl::Hours(7 * 24);
}

}  // namespace trainyard::control
