// Folds what happens to a job into its record. Pure: no clock, no I/O; model::Next decides.
//
// A replica is dropped from the runtime's set in the same commit that records its end, and a new
// attempt is assigned only when every replica of the last one is gone: so no job runs twice at a
// time, and no replica id is ever started twice.
#pragma once

#include "control/job_edit.h"
#include "control/journal.h"
#include "control/runtime.h"

namespace trainyard::control {

// Late, repeated and unknown observations change nothing.
void FoldObservation(JobEdit& edit, const Observation& observation, const Moment& moment,
                     Journal& journal);

// The caller checked that the job has not ended.
void FoldCancel(JobEdit& edit, const Moment& moment, Journal& journal);

// The job ran for as long as it may.
void FoldDeadline(JobEdit& edit, const Moment& moment, Journal& journal);

// Takes the step that became possible as time went on: a cancelled job of which nothing is left
// ends, the next attempt is assigned once its wait is over.
void Settle(JobEdit& edit, const Moment& moment, Journal& journal);

// The job can never start; `why` says what to change.
void FoldRefusal(JobEdit& edit, const std::string& why, const Moment& moment, Journal& journal);

// The planner found room.
void FoldPlacement(JobEdit& edit, const Moment& moment, Journal& journal);

// How long the attempt after `failed_attempts` failures of this machine waits.
absl::Duration RetryDelay(int failed_attempts);

}  // namespace trainyard::control
