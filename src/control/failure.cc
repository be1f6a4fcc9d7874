#include "control/failure.h"

#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "control/valid_utf8.h"

namespace trainyard::control {
namespace {

using trainyard::runner::v1::ExitRecord;

constexpr int kSignalBase = 128;  // a shell's status of a process that a signal ended
constexpr size_t kTailBytesMax = 4096;

// SIGABRT and SIGSEGV, as a signal's number or as a container's status: they may pass.
bool IsTransientStatus(int status) {
  constexpr int kTransient[] = {6, 11, 134, 139};
  for (int transient : kTransient) {
    if (status == transient) return true;
  }
  return false;
}

std::string SignalName(int signal) {
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? absl::StrCat("signal ", signal) : absl::StrCat("SIG", name);
}

std::string ReasonOf(const ExitRecord& exit) {
  if (exit.signal() != 0) {
    return absl::StrCat(SignalName(exit.signal()), " (signal ", exit.signal(), ")");
  }
  int signal = exit.exit_code() - kSignalBase;
  if (signal > 0 && sigabbrev_np(signal) != nullptr) {
    return absl::StrCat("Error (", exit.exit_code(), " is ", kSignalBase, " + ", SignalName(signal),
                        ")");
  }
  return "Error";
}

std::string StageText(const std::string& stage) {
  if (stage.empty() || stage == "run") return "";
  if (stage == "install") {
    return "Its Python packages could not be installed; the training code did not run. ";
  }
  if (stage == "download") {
    return "Its Python packages could not be fetched; the training code did not run. ";
  }
  return absl::StrCat("It failed in the stage \"", stage, "\", before the training code ran. ");
}

std::string TailText(const std::string& stderr_tail) {
  std::string tail = ValidUtf8(stderr_tail);
  absl::StripAsciiWhitespace(&tail);
  if (tail.empty()) return "Its standard error is empty; see the job's log.";
  if (tail.size() > kTailBytesMax) tail = ValidUtf8(tail.substr(tail.size() - kTailBytesMax));
  return absl::StrCat("The last lines of its standard error:\n", tail);
}

std::string MemoryText(uint64_t peak_bytes) {
  if (peak_bytes == 0) return "";
  return absl::StrCat("It had used up to ", peak_bytes >> 20, " MiB. ");
}

}  // namespace

Failure FailureOfExit(const std::string& task_name, const ExitRecord& exit) {
  Failure failure{.code = absl::StatusCode::kInvalidArgument};
  int status = exit.exit_code() != 0 ? exit.exit_code() : kSignalBase + exit.signal();
  if (!exit.start_error().empty()) {
    failure.text = absl::StrCat("The replica ", task_name,
                                " could not be started: ", ValidUtf8(exit.start_error()));
  } else if (exit.out_of_memory()) {
    failure.text = absl::StrCat(
        "The replica ", task_name, " ran out of memory and exited with a non-zero status of ",
        status, ". ", MemoryText(exit.memory_peak_bytes()),
        "Specify a machine with larger memory and try again. ", TailText(exit.stderr_tail()));
  } else {
    failure.text = absl::StrCat("The replica ", task_name, " exited with a non-zero status of ",
                                status, ". Termination reason: ", ReasonOf(exit), ". ",
                                StageText(exit.stage()), TailText(exit.stderr_tail()));
    failure.transient = IsTransientStatus(status);
  }
  return failure;
}

Failure FailureOfStart(const std::string& task_name, const absl::Status& status) {
  bool transient = status.code() == absl::StatusCode::kUnavailable ||
                   status.code() == absl::StatusCode::kAborted ||
                   status.code() == absl::StatusCode::kInternal ||
                   status.code() == absl::StatusCode::kUnknown;
  return {.code = status.code(),
          .text = absl::StrCat("The replica ", task_name,
                               " could not be started: ", ValidUtf8(std::string(status.message()))),
          .transient = transient,
          .infrastructure = transient};
}

Failure FailureOfLoss(const std::string& task_name) {
  return {.code = absl::StatusCode::kInternal,
          .text = absl::StrCat("The replica ", task_name,
                               " was lost: its supervisor ended without a record of how."),
          .transient = true,
          .infrastructure = true};
}

Failure FailureOfTimeout(absl::Duration timeout) {
  return {
      .code = absl::StatusCode::kDeadlineExceeded,
      .text = absl::StrCat("The job ran longer than its timeout of ", absl::ToInt64Seconds(timeout),
                           " s (job_spec.scheduling.timeout) and was stopped.")};
}

Failure FailureOfPlacement(const std::string& location, const std::string& why) {
  return {.code = absl::StatusCode::kResourceExhausted,
          .text = absl::StrCat("Resources are insufficient in region: ", location, ". ", why)};
}

std::string TextOfLastAttempt(const Failure& failure, int attempts) {
  if (!failure.infrastructure) {
    if (attempts == 1) return failure.text;
    return absl::StrCat(failure.text, "\nIt was attempted ", attempts, " times.");
  }
  return absl::StrCat("Internal error occurred for the current attempt (", attempts, " of ",
                      kAttemptsMax, "): ", failure.text);
}

}  // namespace trainyard::control
