// Why a replica ended, as the job's error tells it: the code, the text that names the first cause,
// and whether another attempt may end better.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "trainyard/runner/v1/runner.pb.h"

namespace trainyard::control {

struct Failure {
  absl::StatusCode code = absl::StatusCode::kInternal;
  std::string text;
  bool transient = false;
  // The fault of this machine, not of the user's code: the next attempt waits a little.
  bool infrastructure = false;
};

// The replica's process ended with another status than 0, or never started.
Failure FailureOfExit(const std::string& task_name, const trainyard::runner::v1::ExitRecord& exit);

// The runtime could not start the replica. UNAVAILABLE, ABORTED, INTERNAL and UNKNOWN are
// transient.
Failure FailureOfStart(const std::string& task_name, const absl::Status& status);

// The replica's supervisor vanished without a record of the end.
Failure FailureOfLoss(const std::string& task_name);

Failure FailureOfTimeout(absl::Duration timeout);

// The machine is too small for ever; `why` says what to change.
Failure FailureOfPlacement(const std::string& location, const std::string& why);

// How often a job is tried in all when its failures are transient.
inline constexpr int kAttemptsMax = 3;

// The text of a transient failure that was the last one allowed.
std::string TextOfLastAttempt(const Failure& failure, int attempts);

}  // namespace trainyard::control
