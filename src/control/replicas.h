// Small questions about a record's replicas and limits.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::control {

// It was executed and ended, vanished, or could not be started.
bool HasEnded(const trainyard::store::v1::ReplicaStatus& replica);

// Its place in the record; -1: it is of an earlier attempt.
int ReplicaNumber(const trainyard::store::v1::CustomJobRecord& record,
                  const std::string& replica_id);

// job_spec.scheduling.timeout, or the service's default of seven days.
absl::Duration TimeoutOf(const google::cloud::aiplatform::v1::CustomJob& job);

}  // namespace trainyard::control
