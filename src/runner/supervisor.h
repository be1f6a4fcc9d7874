// The life of one replica, from its spec to its exit record.
#pragma once

#include "absl/status/status.h"
#include "base/clock.h"
#include "runner/replica_directory.h"

namespace trainyard::runner {

// Runs the replica to its end and writes its exit record; what kept it from starting is in there.
// The error is for a record that could not be written. Call once in a process of its own, with one
// thread. SIGTERM stops the job: SIGTERM, the spec's grace, SIGKILL.
absl::Status Supervise(const ReplicaDirectory& directory, const ReplicaSpec& spec,
                       const base::Clock& clock);

}  // namespace trainyard::runner
