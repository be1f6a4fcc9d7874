#include "control/job_history.h"

#include <array>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"
#include "model/job_state.h"

namespace trainyard::control {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

using google::protobuf::util::MessageDifferencer;
using model::JobEvent;
using trainyard::store::v1::CustomJobRecord;
using trainyard::store::v1::JobTransition;

constexpr std::array kEvents = {
    JobEvent::kPlaced, JobEvent::kAllRunning,      JobEvent::kSucceeded, JobEvent::kFailed,
    JobEvent::kRetry,  JobEvent::kCancelRequested, JobEvent::kStopped};

absl::Status Broken(const std::string& name, const JobTransition& step, const std::string& why) {
  return absl::FailedPreconditionError(absl::StrCat(name, ": ", step.cause(), " from ",
                                                    v1::JobState_Name(step.from()), " to ",
                                                    v1::JobState_Name(step.state()), ": ", why));
}

// A cause that is a job event moves along the table; any other leaves the state alone.
bool FollowsTable(const JobTransition& step) {
  for (JobEvent event : kEvents) {
    if (model::NameOf(event) != step.cause()) continue;
    absl::StatusOr<v1::JobState> next = model::Next(step.from(), event);
    return next.ok() && *next == step.state();
  }
  return step.from() == step.state();
}

}  // namespace

absl::Status JobHistory::Apply(const store::Event& event) {
  if (!absl::StrContains(event.name, "/customJobs/")) return absl::OkStatus();
  JobTransition step;
  if (!step.ParseFromString(event.value)) {
    return absl::DataLossError(absl::StrCat(event.name, ": an event cannot be read"));
  }
  auto known = jobs_.find(event.name);
  if (step.cause() == "created") {
    if (known != jobs_.end()) return Broken(event.name, step, "it exists");
    jobs_.emplace(event.name, step);
    return absl::OkStatus();
  }
  if (known == jobs_.end()) return Broken(event.name, step, "it does not exist");
  if (known->second.state() != step.from()) {
    return Broken(event.name, step,
                  absl::StrCat("it was ", v1::JobState_Name(known->second.state())));
  }
  if (!FollowsTable(step)) return Broken(event.name, step, "the table has no such row");
  if (step.cause() == "deleted") {
    jobs_.erase(known);
  } else {
    known->second = step;
  }
  return absl::OkStatus();
}

std::string DifferenceOf(const JobTransition& step, const CustomJobRecord& record) {
  JobTransition recorded;
  recorded.set_cause(step.cause());
  recorded.set_from(step.from());
  recorded.set_state(record.job().state());
  recorded.set_attempt(record.status().attempt());
  recorded.set_failed_attempts(record.status().failed_attempts());
  recorded.set_cancel_requested(record.status().cancel_requested());
  if (record.job().has_start_time()) *recorded.mutable_start_time() = record.job().start_time();
  if (record.job().has_end_time()) *recorded.mutable_end_time() = record.job().end_time();
  if (record.job().has_error()) *recorded.mutable_error() = record.job().error();
  if (MessageDifferencer::Equals(step, recorded)) return "";
  return absl::StrCat(record.job().name(), ": the log has {", step.ShortDebugString(),
                      "}, the record has {", recorded.ShortDebugString(), "}");
}

}  // namespace trainyard::control
