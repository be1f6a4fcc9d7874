#include "control/job_controller.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "control/assignment.h"
#include "control/failure.h"
#include "control/replicas.h"
#include "control/timestamp.h"
#include "control/transition.h"
#include "control/valid_utf8.h"

namespace trainyard::control {
namespace {

using trainyard::store::v1::ReplicaStatus;
using Presence = LiveReplica::Presence;

ReplicaStatus& ReplicaAt(JobEdit& edit, int number) {
  return *edit.record.mutable_status()->mutable_replicas(number);
}

bool IsLive(const JobEdit& edit) { return !model::IsTerminal(edit.record.job().state()); }

// A transient failure ended the attempt; the next is not assigned yet.
bool BetweenAttempts(const CustomJobRecord& record) {
  return record.job().state() == v1::JOB_STATE_PENDING &&
         record.status().failed_attempts() == record.status().attempt();
}

// The table has the row: the caller asked only for what its state allows.
void Move(JobEdit& edit, JobEvent event, absl::Time time, Journal& journal) {
  CHECK(Advance(edit.record, event, time, journal).ok());
  edit.record_changed = true;
}

// True when there was something to stop.
bool RequestStop(CustomJobRecord& record) {
  bool stopping = false;
  for (ReplicaStatus& replica : *record.mutable_status()->mutable_replicas()) {
    if (HasEnded(replica)) continue;
    replica.set_stop_requested(true);
    stopping = true;
  }
  return stopping;
}

void DropReplicas(JobEdit& edit) {
  for (LiveReplica& replica : edit.live.replicas) {
    if (replica.presence == Presence::kWanted) replica.presence = Presence::kLeaving;
  }
}

void End(JobEdit& edit, JobEvent event, absl::Time time, const char* last_line, Journal& journal) {
  std::string job_id = JobIdOf(edit.record);
  Move(edit, event, time, journal);
  DropReplicas(edit);
  if (edit.record.status().attempt() > 0) {
    journal.Say(job_id, "Tearing down training program.");
    journal.Say(job_id, "Finished tearing down training program.");
  }
  journal.Say(job_id, last_line);
}

void Fail(JobEdit& edit, absl::StatusCode code, const std::string& text, absl::Time time,
          Journal& journal) {
  google::rpc::Status& error = *edit.record.mutable_job()->mutable_error();
  error.set_code(static_cast<int>(code));
  error.set_message(text);
  journal.Complain(JobIdOf(edit.record), text);
  End(edit, JobEvent::kFailed, time, "Job failed.", journal);
}

bool MayTryAgain(const CustomJobRecord& record, const Failure& failure) {
  bool forbidden =
      record.job().job_spec().scheduling().disable_retries() && record.job().has_start_time();
  return failure.transient && !forbidden && record.status().attempt() < kAttemptsMax;
}

void FailOrRetry(JobEdit& edit, const Failure& failure, absl::Time time, const Moment& moment,
                 Journal& journal) {
  auto& status = *edit.record.mutable_status();
  if (!MayTryAgain(edit.record, failure)) {
    std::string text =
        failure.transient ? TextOfLastAttempt(failure, status.attempt()) : failure.text;
    absl::StatusCode code = failure.infrastructure ? absl::StatusCode::kInternal : failure.code;
    return Fail(edit, code, text, time, journal);
  }
  status.set_failed_attempts(status.attempt());
  RequestStop(edit.record);
  journal.Complain(JobIdOf(edit.record), failure.text);
  Move(edit, JobEvent::kRetry, time, journal);
  DropReplicas(edit);
  if (failure.infrastructure) {
    edit.live.not_before = moment.monotonic + RetryDelay(status.failed_attempts());
  }
  journal.Say(JobIdOf(edit.record), absl::StrCat("The job starts again: attempt ",
                                                 status.attempt() + 1, " of ", kAttemptsMax, "."));
}

void FoldRunning(JobEdit& edit, int number, absl::Time time, Journal& journal) {
  ReplicaStatus& replica = ReplicaAt(edit, number);
  if (replica.phase() != ReplicaStatus::ASSIGNED) return;
  replica.set_phase(ReplicaStatus::RUNNING);
  edit.record_changed = true;
  if (edit.record.job().state() != v1::JOB_STATE_PENDING) return;
  for (const ReplicaStatus& other : edit.record.status().replicas()) {
    if (other.phase() != ReplicaStatus::RUNNING) return;
  }
  Move(edit, JobEvent::kAllRunning, time, journal);
  if (!edit.record.status().has_running_deadline()) {
    absl::Time start = FromTimestamp(edit.record.job().start_time());
    *edit.record.mutable_status()->mutable_running_deadline() =
        ToTimestamp(start + TimeoutOf(edit.record.job()));
  }
  journal.Say(JobIdOf(edit.record), "Job is running.");
}

// What follows from the end of one replica for the job; the replica's own record is written.
void FoldEnd(JobEdit& edit, const ReplicaStatus& replica, const Failure* failure, bool primary,
             absl::Time time, const Moment& moment, Journal& journal) {
  if (edit.record.job().state() == v1::JOB_STATE_CANCELLING) return;
  if (BetweenAttempts(edit.record)) return;
  if (replica.stop_requested()) {
    Failure timeout = FailureOfTimeout(TimeoutOf(edit.record.job()));
    return Fail(edit, timeout.code, timeout.text, time, journal);
  }
  if (failure != nullptr) return FailOrRetry(edit, *failure, time, moment, journal);
  if (primary) End(edit, JobEvent::kSucceeded, time, "Job completed successfully.", journal);
}

void FoldExit(JobEdit& edit, int number, const Observation& observation, absl::Time time,
              const Moment& moment, Journal& journal) {
  ReplicaStatus& replica = ReplicaAt(edit, number);
  trainyard::runner::v1::ExitRecord exit = observation.exit;
  exit.set_stderr_tail(ValidUtf8(exit.stderr_tail()));
  exit.set_start_error(ValidUtf8(exit.start_error()));
  if (exit.started_unix_us() > 0 && exit.start_error().empty()) {
    FoldRunning(edit, number, std::min(time, absl::FromUnixMicros(exit.started_unix_us())),
                journal);
  }
  bool success = exit.exit_code() == 0 && exit.signal() == 0 && exit.start_error().empty();
  Failure failure = success ? Failure{} : FailureOfExit(replica.task_name(), exit);
  *replica.mutable_exit() = std::move(exit);
  replica.set_phase(ReplicaStatus::EXITED);
  FoldEnd(edit, replica, success ? nullptr : &failure, number == 0, time, moment, journal);
}

void FoldStartFailure(JobEdit& edit, int number, const absl::Status& status, absl::Time time,
                      const Moment& moment, Journal& journal) {
  ReplicaStatus& replica = ReplicaAt(edit, number);
  replica.set_phase(ReplicaStatus::EXITED);
  replica.set_failure(ValidUtf8(std::string(status.message())));
  replica.set_failure_code(static_cast<int>(status.code()));
  Failure failure = FailureOfStart(replica.task_name(), status);
  FoldEnd(edit, replica, &failure, number == 0, time, moment, journal);
}

void FoldLoss(JobEdit& edit, int number, absl::Time time, const Moment& moment, Journal& journal) {
  ReplicaStatus& replica = ReplicaAt(edit, number);
  replica.set_phase(ReplicaStatus::LOST);
  Failure failure = FailureOfLoss(replica.task_name());
  FoldEnd(edit, replica, &failure, number == 0, time, moment, journal);
}

void FoldReplicaEnd(JobEdit& edit, int number, const Observation& observation, absl::Time time,
                    const Moment& moment, Journal& journal) {
  Presence& presence = edit.live.replicas[static_cast<size_t>(number)].presence;
  if (presence == Presence::kWanted) presence = Presence::kLeaving;
  if (!IsLive(edit) || HasEnded(ReplicaAt(edit, number))) return;
  edit.record_changed = true;
  switch (observation.kind) {
    case Observation::Kind::kExited:
      return FoldExit(edit, number, observation, time, moment, journal);
    case Observation::Kind::kFailed:
      return FoldStartFailure(edit, number, observation.failure, time, moment, journal);
    default:
      return FoldLoss(edit, number, time, moment, journal);
  }
}

}  // namespace

absl::Duration RetryDelay(int failed_attempts) {
  return failed_attempts <= 1 ? absl::Seconds(1) : absl::Seconds(10);
}

void FoldObservation(JobEdit& edit, const Observation& observation, const Moment& moment,
                     Journal& journal) {
  int number = ReplicaNumber(edit.record, observation.replica_id);
  if (number < 0) return;
  absl::Time time = std::min(observation.time, moment.now);
  Presence& presence = edit.live.replicas[static_cast<size_t>(number)].presence;
  if (presence == Presence::kGone) return;
  if (observation.kind == Observation::Kind::kRunning) {
    if (IsLive(edit)) FoldRunning(edit, number, time, journal);
    return;
  }
  FoldReplicaEnd(edit, number, observation, time, moment, journal);
  if (observation.kind == Observation::Kind::kGone) presence = Presence::kGone;
  Settle(edit, moment, journal);
}

void FoldCancel(JobEdit& edit, const Moment& moment, Journal& journal) {
  if (edit.record.job().state() == v1::JOB_STATE_CANCELLING) return;
  edit.record.mutable_status()->set_cancel_requested(true);
  Move(edit, JobEvent::kCancelRequested, moment.now, journal);
  journal.Say(JobIdOf(edit.record), "Job is being cancelled.");
  RequestStop(edit.record);
  Settle(edit, moment, journal);
}

void FoldDeadline(JobEdit& edit, const Moment& moment, Journal& journal) {
  v1::JobState state = edit.record.job().state();
  if (state != v1::JOB_STATE_RUNNING && state != v1::JOB_STATE_PENDING) return;
  Failure failure = FailureOfTimeout(TimeoutOf(edit.record.job()));
  if (BetweenAttempts(edit.record) || !RequestStop(edit.record)) {
    return Fail(edit, failure.code, failure.text, moment.now, journal);
  }
  edit.record_changed = true;
  NoteStep(edit.record, "stopping", moment.now, journal);
  journal.Say(JobIdOf(edit.record), "The job has used all of its time and is being stopped.");
}

void Settle(JobEdit& edit, const Moment& moment, Journal& journal) {
  if (!edit.live.AllGone()) return;
  v1::JobState state = edit.record.job().state();
  if (state == v1::JOB_STATE_CANCELLING) {
    google::rpc::Status& error = *edit.record.mutable_job()->mutable_error();
    error.set_code(static_cast<int>(absl::StatusCode::kCancelled));
    error.set_message("The job was cancelled.");
    return End(edit, JobEvent::kStopped, moment.now, "Job was cancelled.", journal);
  }
  if (!BetweenAttempts(edit.record) || moment.monotonic < edit.live.not_before) return;
  AssignAttempt(edit.record);
  edit.record_changed = true;
  NoteStep(edit.record, "assigned", moment.now, journal);
  journal.Say(JobIdOf(edit.record), "Job is preparing.");
}

void FoldRefusal(JobEdit& edit, const std::string& why, const Moment& moment, Journal& journal) {
  const std::string& name = edit.record.job().name();
  size_t begin = name.find("/locations/") + 11;
  Failure failure = FailureOfPlacement(name.substr(begin, name.find('/', begin) - begin), why);
  Fail(edit, failure.code, failure.text, moment.now, journal);
}

void FoldPlacement(JobEdit& edit, const Moment& moment, Journal& journal) {
  AssignAttempt(edit.record);
  Move(edit, JobEvent::kPlaced, moment.now, journal);
  edit.record.mutable_status()->clear_what_waits();
  for (const char* line :
       {"Vertex AI is provisioning job running framework. The first use of an image may take "
        "longer.",
        "Vertex AI is setting up this job.", "Waiting for training program to start.",
        "Job is preparing."}) {
    journal.Say(JobIdOf(edit.record), line);
  }
}

}  // namespace trainyard::control
