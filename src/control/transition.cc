#include "control/transition.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "base/status.h"
#include "control/timestamp.h"

namespace trainyard::control {
namespace {

using trainyard::store::v1::JobTransition;

void Touch(v1::CustomJob& job, absl::Time now) {
  absl::Time earliest =
      FromTimestamp(job.has_update_time() ? job.update_time() : job.create_time());
  *job.mutable_update_time() = ToTimestamp(std::max(now, earliest));
}

void AppendEvent(const CustomJobRecord& record, absl::string_view cause, v1::JobState from,
                 Journal& journal) {
  const v1::CustomJob& job = record.job();
  JobTransition step;
  step.set_cause(std::string(cause));
  step.set_from(from);
  step.set_state(job.state());
  step.set_attempt(record.status().attempt());
  step.set_failed_attempts(record.status().failed_attempts());
  step.set_cancel_requested(record.status().cancel_requested());
  if (job.has_start_time()) *step.mutable_start_time() = job.start_time();
  if (job.has_end_time()) *step.mutable_end_time() = job.end_time();
  if (job.has_error()) *step.mutable_error() = job.error();
  journal.events.push_back(
      {job.name(), FromTimestamp(job.update_time()), step.SerializeAsString()});
}

}  // namespace

absl::Status Advance(CustomJobRecord& record, JobEvent event, absl::Time now, Journal& journal) {
  v1::CustomJob& job = *record.mutable_job();
  v1::JobState from = job.state();
  ASSIGN_OR_RETURN(v1::JobState state, model::Next(from, event));
  job.set_state(state);
  Touch(job, now);
  if (state == v1::JOB_STATE_RUNNING && !job.has_start_time()) {
    *job.mutable_start_time() = job.update_time();
  }
  if (model::IsTerminal(state)) *job.mutable_end_time() = job.update_time();
  AppendEvent(record, model::NameOf(event), from, journal);
  return absl::OkStatus();
}

void NoteStep(CustomJobRecord& record, absl::string_view cause, absl::Time now, Journal& journal) {
  Touch(*record.mutable_job(), now);
  AppendEvent(record, cause, record.job().state(), journal);
}

std::string JobIdOf(const CustomJobRecord& record) {
  const std::string& name = record.job().name();
  return name.substr(name.rfind('/') + 1);
}

}  // namespace trainyard::control
