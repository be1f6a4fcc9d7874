// The state machine of a job. The table is the only place that decides.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "google/cloud/aiplatform/v1/job_state.pb.h"

namespace trainyard::model {

using google::cloud::aiplatform::v1::JobState;

enum class JobEvent {
  kPlaced,           // the planner found room; an attempt is assigned
  kAllRunning,       // every replica's process was executed
  kSucceeded,        // the primary exited with 0
  kFailed,           // permanent error, retries used up, or timeout
  kRetry,            // a transient failure: the whole job starts again
  kCancelRequested,  // a caller cancelled
  kStopped,          // after a cancel: nothing of it runs any more
};

// FAILED_PRECONDITION naming state and event when the table has no such row.
absl::StatusOr<JobState> Next(JobState state, JobEvent event);

// SUCCEEDED, FAILED, CANCELLED (and EXPIRED, PARTIALLY_SUCCEEDED, which are never entered).
bool IsTerminal(JobState state);

absl::string_view NameOf(JobEvent event);

}  // namespace trainyard::model
