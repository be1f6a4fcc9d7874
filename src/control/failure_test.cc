#include "control/failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trainyard::control {
namespace {

using trainyard::runner::v1::ExitRecord;

struct ExitCase {
  const char* name;
  int exit_code;
  int signal;
  bool out_of_memory;
  const char* stage;
  const char* start_error;
  const char* stderr_tail;
  bool transient;
  const char* text;
};

const ExitCase kExitCases[] = {
    {"plain", 3, 0, false, "run", "", "Traceback\nValueError: x\n", false,
     "The replica workerpool0-0 exited with a non-zero status of 3. Termination reason: Error. The "
     "last lines of its standard error:\nTraceback\nValueError: x"},
    {"silent", 1, 0, false, "run", "", "", false,
     "The replica workerpool0-0 exited with a non-zero status of 1. Termination reason: Error. Its "
     "standard error is empty; see the job's log."},
    {"killed", 137, 9, false, "run", "", "", false,
     "The replica workerpool0-0 exited with a non-zero status of 137. Termination reason: SIGKILL "
     "(signal 9). Its standard error is empty; see the job's log."},
    {"segmentation fault", 139, 11, false, "run", "", "", true,
     "The replica workerpool0-0 exited with a non-zero status of 139. Termination reason: SIGSEGV "
     "(signal 11). Its standard error is empty; see the job's log."},
    {"a shell's child was killed", 137, 0, false, "run", "", "", false,
     "The replica workerpool0-0 exited with a non-zero status of 137. Termination reason: Error "
     "(137 is 128 + SIGKILL). Its standard error is empty; see the job's log."},
    {"an exit code beyond every signal", 255, 0, false, "run", "", "", false,
     "The replica workerpool0-0 exited with a non-zero status of 255. Termination reason: Error. "
     "Its standard error is empty; see the job's log."},
    {"abort", 134, 6, false, "run", "", "", true,
     "The replica workerpool0-0 exited with a non-zero status of 134. Termination reason: SIGABRT "
     "(signal 6). Its standard error is empty; see the job's log."},
    {"6", 6, 0, false, "run", "", "x", true,
     "The replica workerpool0-0 exited with a non-zero status of 6. Termination reason: Error. The "
     "last lines of its standard error:\nx"},
    {"11", 11, 0, false, "run", "", "x", true,
     "The replica workerpool0-0 exited with a non-zero status of 11. Termination reason: Error. "
     "The last lines of its standard error:\nx"},
    {"out of memory", 137, 9, true, "run", "", "", false,
     "The replica workerpool0-0 ran out of memory and exited with a non-zero status of 137. It had "
     "used up to 512 MiB. Specify a machine with larger memory and try again. Its standard error "
     "is empty; see the job's log."},
    {"install", 1, 0, false, "install", "", "No matching distribution", false,
     "The replica workerpool0-0 exited with a non-zero status of 1. Termination reason: Error. Its "
     "Python packages could not be installed; the training code did not run. The last lines of its "
     "standard error:\nNo matching distribution"},
    {"download", 1, 0, false, "download", "", "x", false,
     "The replica workerpool0-0 exited with a non-zero status of 1. Termination reason: Error. Its "
     "Python packages could not be fetched; the training code did not run. The last lines of its "
     "standard error:\nx"},
    {"never started", 127, 0, false, "", "\"trian\" is not in PATH", "", false,
     "The replica workerpool0-0 could not be started: \"trian\" is not in PATH"},
    {"bytes that are no text", 1, 0, false, "run", "", "a\xff\xe2\x82z", false,
     "The replica workerpool0-0 exited with a non-zero status of 1. Termination reason: Error. The "
     "last lines of its standard error:\na\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"},
};

TEST(Failure, OfExits) {
  for (const ExitCase& c : kExitCases) {
    SCOPED_TRACE(c.name);
    ExitRecord exit;
    exit.set_exit_code(c.exit_code);
    exit.set_signal(c.signal);
    exit.set_out_of_memory(c.out_of_memory);
    exit.set_stage(c.stage);
    exit.set_start_error(c.start_error);
    exit.set_stderr_tail(c.stderr_tail);
    exit.set_memory_peak_bytes(512 << 20);
    Failure failure = FailureOfExit("workerpool0-0", exit);
    EXPECT_EQ(failure.text, c.text);
    EXPECT_EQ(failure.code, absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(failure.transient, c.transient);
    EXPECT_FALSE(failure.infrastructure);
  }
}

TEST(Failure, OnlyTheFourStatusesAreTransient) {
  for (int status = 1; status < 256; ++status) {
    ExitRecord exit;
    exit.set_exit_code(status);
    bool want = status == 6 || status == 11 || status == 134 || status == 139;
    EXPECT_EQ(FailureOfExit("t", exit).transient, want) << status;
  }
}

TEST(Failure, OfStarts) {
  const struct {
    absl::Status status;
    bool transient;
  } kCases[] = {
      {absl::NotFoundError("image x"), false},
      {absl::InvalidArgumentError("image x"), false},
      {absl::FailedPreconditionError("no crun"), false},
      {absl::PermissionDeniedError("bucket"), false},
      {absl::ResourceExhaustedError("disk"), false},
      {absl::DeadlineExceededError("slow"), false},
      {absl::UnavailableError("registry"), true},
      {absl::AbortedError("again"), true},
      {absl::InternalError("mount"), true},
      {absl::UnknownError("what"), true},
  };
  for (const auto& c : kCases) {
    Failure failure = FailureOfStart("workerpool0-0", c.status);
    EXPECT_EQ(failure.code, c.status.code());
    EXPECT_EQ(failure.transient, c.transient) << c.status;
    EXPECT_EQ(failure.infrastructure, c.transient);
    EXPECT_EQ(failure.text,
              "The replica workerpool0-0 could not be started: " + std::string(c.status.message()));
  }
}

TEST(Failure, OfTimeoutAndPlacement) {
  EXPECT_EQ(FailureOfTimeout(absl::Seconds(90)).code, absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(FailureOfTimeout(absl::Seconds(90)).text,
            "The job ran longer than its timeout of 90 s (job_spec.scheduling.timeout) and was "
            "stopped.");
  EXPECT_EQ(FailureOfPlacement("europe-west1", "Why.").code, absl::StatusCode::kResourceExhausted);
}

TEST(Failure, TextOfTheLastAttempt) {
  Failure loss = FailureOfLoss("workerpool0-0");
  EXPECT_EQ(TextOfLastAttempt(loss, 3),
            "Internal error occurred for the current attempt (3 of 3): The replica workerpool0-0 "
            "was lost: its supervisor ended without a record of how.");
  Failure exit{.text = "It ended.", .transient = true};
  EXPECT_EQ(TextOfLastAttempt(exit, 1), "It ended.");
  EXPECT_EQ(TextOfLastAttempt(exit, 3), "It ended.\nIt was attempted 3 times.");
}

}  // namespace
}  // namespace trainyard::control
