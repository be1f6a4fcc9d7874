// What memory keeps of a record.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "control/job_edit.h"
#include "control/live_jobs.h"
#include "sched/planner.h"
#include "store/store.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::control {

// Brings `edit.live` in line with `edit.record`. A new attempt's replicas are wanted; those that
// stay keep their presence.
void RefreshLive(JobEdit& edit, const sched::Machine& machine, absl::Duration stop_grace);

// A record that an earlier server left. Each replica is named to the runtime again: to run on, or,
// when it was to stop or had ended, to be stopped and reported gone.
absl::StatusOr<LiveJob> LiveFromStore(const store::Record& stored, const sched::Machine& machine,
                                      absl::Duration stop_grace);

// The columns and the value.
store::Record StoredFrom(const trainyard::store::v1::CustomJobRecord& record,
                         const std::string& bytes);

}  // namespace trainyard::control
