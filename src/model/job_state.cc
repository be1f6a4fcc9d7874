#include "model/job_state.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace trainyard::model {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

struct Row {
  JobState from;
  JobEvent event;
  JobState to;
};

// A job that waits goes through CANCELLING too, so that every cancel looks the same to a watcher.
// A whole-job retry keeps its place: PENDING, not QUEUED. A process may end before the others run.
constexpr Row kTable[] = {
    {v1::JOB_STATE_QUEUED, JobEvent::kPlaced, v1::JOB_STATE_PENDING},
    {v1::JOB_STATE_QUEUED, JobEvent::kFailed, v1::JOB_STATE_FAILED},
    {v1::JOB_STATE_QUEUED, JobEvent::kCancelRequested, v1::JOB_STATE_CANCELLING},
    {v1::JOB_STATE_PENDING, JobEvent::kAllRunning, v1::JOB_STATE_RUNNING},
    {v1::JOB_STATE_PENDING, JobEvent::kSucceeded, v1::JOB_STATE_SUCCEEDED},
    {v1::JOB_STATE_PENDING, JobEvent::kFailed, v1::JOB_STATE_FAILED},
    {v1::JOB_STATE_PENDING, JobEvent::kRetry, v1::JOB_STATE_PENDING},
    {v1::JOB_STATE_PENDING, JobEvent::kCancelRequested, v1::JOB_STATE_CANCELLING},
    {v1::JOB_STATE_RUNNING, JobEvent::kSucceeded, v1::JOB_STATE_SUCCEEDED},
    {v1::JOB_STATE_RUNNING, JobEvent::kFailed, v1::JOB_STATE_FAILED},
    {v1::JOB_STATE_RUNNING, JobEvent::kRetry, v1::JOB_STATE_PENDING},
    {v1::JOB_STATE_RUNNING, JobEvent::kCancelRequested, v1::JOB_STATE_CANCELLING},
    {v1::JOB_STATE_CANCELLING, JobEvent::kSucceeded, v1::JOB_STATE_SUCCEEDED},
    {v1::JOB_STATE_CANCELLING, JobEvent::kFailed, v1::JOB_STATE_FAILED},
    {v1::JOB_STATE_CANCELLING, JobEvent::kCancelRequested, v1::JOB_STATE_CANCELLING},
    {v1::JOB_STATE_CANCELLING, JobEvent::kStopped, v1::JOB_STATE_CANCELLED},
};

}  // namespace

absl::StatusOr<JobState> Next(JobState state, JobEvent event) {
  for (const Row& row : kTable) {
    if (row.from == state && row.event == event) return row.to;
  }
  return absl::FailedPreconditionError(
      absl::StrCat(v1::JobState_Name(state), " has no transition for ", NameOf(event)));
}

bool IsTerminal(JobState state) {
  switch (state) {
    case v1::JOB_STATE_SUCCEEDED:
    case v1::JOB_STATE_FAILED:
    case v1::JOB_STATE_CANCELLED:
    case v1::JOB_STATE_EXPIRED:
    case v1::JOB_STATE_PARTIALLY_SUCCEEDED:
      return true;
    default:
      return false;
  }
}

absl::string_view NameOf(JobEvent event) {
  switch (event) {
    case JobEvent::kPlaced:
      return "PLACED";
    case JobEvent::kAllRunning:
      return "ALL_RUNNING";
    case JobEvent::kSucceeded:
      return "SUCCEEDED";
    case JobEvent::kFailed:
      return "FAILED";
    case JobEvent::kRetry:
      return "RETRY";
    case JobEvent::kCancelRequested:
      return "CANCEL_REQUESTED";
    case JobEvent::kStopped:
      return "STOPPED";
  }
  return "UNKNOWN";
}

}  // namespace trainyard::model
