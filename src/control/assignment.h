// An attempt of a job: its replicas' records, and what the runtime is asked to run for them.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "control/journal.h"
#include "control/runtime.h"
#include "sched/planner.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::control {

// Starts the next attempt in `record`: its number, and one ASSIGNED replica for each that the spec
// asks for.
void AssignAttempt(trainyard::store::v1::CustomJobRecord& record);

// The replicas of the record's attempt, in its order. Memory is what `machine` grants, which may be
// less than the type's on a shared one.
std::vector<DesiredReplica> DesiredReplicasOf(const trainyard::store::v1::CustomJobRecord& record,
                                              const sched::Machine& machine,
                                              absl::Duration stop_grace);

}  // namespace trainyard::control
