// How jobs fail, are tried again, run out of time and are cancelled, through the engine.
#include <gmock/gmock.h>

#include "control/engine_fixture.h"
#include "control/job_controller.h"
#include "control/timestamp.h"

namespace trainyard::control {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = Observation::Kind;

class JobFailureTest : public EngineTest {
 protected:
  // The attempt ends by `exit_code`, its traces go, and any wait passes.
  void EndAttempt(const std::string& name, int attempt, int exit_code) {
    Observe(Kind::kRunning, ReplicaOf(name, attempt));
    runtime_->Exit(ReplicaOf(name, attempt), exit_code);
    Run();
    Observe(Kind::kGone, ReplicaOf(name, attempt));
    executor_.AdvanceBy(absl::Seconds(20));
  }

  // A slot of the machine is free again: nothing of the job holds it.
  void ExpectReleased() {
    absl::StatusOr<EngineStatus> status = absl::InternalError("no reply");
    engine_->GetStatus([&](absl::StatusOr<EngineStatus> got) { status = got; });
    Run();
    EXPECT_EQ(status->free.cpu_milli, status->capacity.cpu_milli);
    EXPECT_TRUE(runtime_->desired.empty());
  }
};

TEST_F(JobFailureTest, APlainExitCodeIsPermanent) {
  std::string name = Submit();
  BringTo(name, v1::JOB_STATE_FAILED);
  CustomJob job = Get(name);
  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.error().code(), 3);
  EXPECT_THAT(job.error().message(),
              HasSubstr("The replica workerpool0-0 exited with a non-zero status of 3."));
  EXPECT_TRUE(job.has_end_time());
  EXPECT_THAT(Lines(name), Contains("ERROR " + job.error().message()));
  EXPECT_EQ(Lines(name).back(), "Job failed.");
  ExpectReleased();
}

TEST_F(JobFailureTest, ATransientExitIsTriedThreeTimesInAll) {
  std::string name = Submit();
  EndAttempt(name, 1, 139);
  EXPECT_EQ(StateOf(name), "PENDING");
  EXPECT_TRUE(runtime_->Wants(ReplicaOf(name, 2)));
  EXPECT_THAT(Lines(name), Contains("The job starts again: attempt 2 of 3."));
  EndAttempt(name, 2, 134);
  EXPECT_TRUE(runtime_->Wants(ReplicaOf(name, 3)));
  EndAttempt(name, 3, 11);
  CustomJob job = Get(name);
  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.error().code(), 3);
  EXPECT_THAT(job.error().message(), HasSubstr("non-zero status of 11."));
  EXPECT_THAT(job.error().message(), HasSubstr("It was attempted 3 times."));
  EXPECT_EQ(Record(name).status().failed_attempts(), 2);
  ExpectReleased();
}

TEST_F(JobFailureTest, ARetryMaySucceedAndKeepsTheFirstStartTime) {
  std::string name = Submit();
  Observe(Kind::kRunning, ReplicaOf(name));
  std::string start = Get(name).start_time().DebugString();
  clock_.Advance(absl::Minutes(1));
  EndAttempt(name, 1, 6);
  Observe(Kind::kRunning, ReplicaOf(name, 2));
  EXPECT_EQ(StateOf(name), "RUNNING");
  runtime_->Exit(ReplicaOf(name, 2), 0);
  Run();
  EXPECT_EQ(StateOf(name), "SUCCEEDED");
  EXPECT_EQ(Get(name).start_time().DebugString(), start);
  EXPECT_FALSE(Get(name).has_error());
}

TEST_F(JobFailureTest, TheNextAttemptWaitsUntilTheLastIsGone) {
  std::string name = Submit();
  Observe(Kind::kRunning, ReplicaOf(name));
  runtime_->Exit(ReplicaOf(name), 139);
  executor_.AdvanceBy(absl::Minutes(1));
  EXPECT_EQ(StateOf(name), "PENDING");
  EXPECT_TRUE(runtime_->desired.empty());
  Observe(Kind::kGone, ReplicaOf(name));
  EXPECT_TRUE(runtime_->Wants(ReplicaOf(name, 2)));
}

TEST_F(JobFailureTest, DisableRetriesForbidsThemOnceTheJobRan) {
  CustomJob job = Job();
  job.mutable_job_spec()->mutable_scheduling()->set_disable_retries(true);
  std::string ran = Submit(job), never_ran = Submit(job);
  EndAttempt(ran, 1, 139);
  EXPECT_EQ(StateOf(ran), "FAILED");
  runtime_->Fail(ReplicaOf(never_ran), absl::UnavailableError("the registry does not answer"));
  Run();
  Observe(Kind::kGone, ReplicaOf(never_ran));
  executor_.AdvanceBy(absl::Seconds(20));
  EXPECT_TRUE(runtime_->Wants(ReplicaOf(never_ran, 2)));
}

TEST_F(JobFailureTest, ALostReplicaIsRetriedAfterAWaitAndFailsAsInternal) {
  std::string name = Submit();
  Observe(Kind::kRunning, ReplicaOf(name));
  for (int attempt = 1; attempt <= 3; ++attempt) {
    ASSERT_TRUE(runtime_->Wants(ReplicaOf(name, attempt))) << attempt;
    Observe(Kind::kLost, ReplicaOf(name, attempt));
    Observe(Kind::kGone, ReplicaOf(name, attempt));
    EXPECT_TRUE(runtime_->desired.empty()) << "at once would be too soon";
    executor_.AdvanceBy(RetryDelay(attempt));
  }
  CustomJob job = Get(name);
  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.error().code(), 13);
  EXPECT_THAT(job.error().message(),
              HasSubstr("Internal error occurred for the current attempt (3 of 3): The replica "
                        "workerpool0-0 was lost"));
}

TEST_F(JobFailureTest, APermanentStartFailureKeepsItsCode) {
  std::string name = Submit();
  runtime_->Fail(ReplicaOf(name), absl::NotFoundError("image \"x\" is not in the catalogue"));
  Run();
  EXPECT_EQ(StateOf(name), "FAILED");
  EXPECT_EQ(Get(name).error().code(), 5);
  EXPECT_EQ(Get(name).error().message(),
            "The replica workerpool0-0 could not be started: image \"x\" is not in the catalogue");
  EXPECT_FALSE(Get(name).has_start_time());
}

TEST_F(JobFailureTest, GoneWithoutAnEndIsALoss) {
  std::string name = Submit();
  Observe(Kind::kGone, ReplicaOf(name));
  executor_.AdvanceBy(absl::Seconds(2));
  EXPECT_TRUE(runtime_->Wants(ReplicaOf(name, 2)));
}

TEST_F(JobFailureTest, LateAndRepeatedObservationsChangeNothing) {
  std::string name = Submit();
  Observe(Kind::kRunning, ReplicaOf(name));
  Observe(Kind::kRunning, ReplicaOf(name));
  runtime_->Exit(ReplicaOf(name), 0);
  Run();
  int64_t revision = store_.revision();
  Observe(Kind::kRunning, ReplicaOf(name));
  runtime_->Exit(ReplicaOf(name), 1);
  Run();
  Observe(Kind::kLost, ReplicaOf(name));
  Observe(Kind::kGone, ReplicaOf(name));
  Observe(Kind::kGone, ReplicaOf(name));
  Observe(Kind::kRunning, "17-1-0-0");
  EXPECT_EQ(StateOf(name), "SUCCEEDED");
  EXPECT_EQ(store_.revision(), revision);
}

TEST_F(JobFailureTest, TheTimeoutCountsFromRunning) {
  CustomJob job = Job();
  job.mutable_job_spec()->mutable_scheduling()->mutable_timeout()->set_seconds(60);
  std::string name = Submit(job);
  executor_.AdvanceBy(absl::Minutes(5));
  EXPECT_EQ(StateOf(name), "PENDING");
  Observe(Kind::kRunning, ReplicaOf(name));
  executor_.AdvanceBy(absl::Seconds(59));
  EXPECT_FALSE(runtime_->desired.at(ReplicaOf(name)).stop);
  executor_.AdvanceBy(absl::Seconds(2));
  EXPECT_TRUE(runtime_->desired.at(ReplicaOf(name)).stop);
  EXPECT_EQ(runtime_->desired.at(ReplicaOf(name)).stop_grace, absl::Seconds(30));
  EXPECT_EQ(StateOf(name), "RUNNING") << "it has its grace";
  runtime_->Exit(ReplicaOf(name), 0);
  Run();
  EXPECT_EQ(StateOf(name), "FAILED");
  EXPECT_EQ(Get(name).error().code(), 4);
  EXPECT_THAT(Get(name).error().message(), HasSubstr("timeout of 60 s"));
}

TEST_F(JobFailureTest, AJumpOfTheWallClockEndsNoJobEarly) {
  CustomJob job = Job();
  job.mutable_job_spec()->mutable_scheduling()->mutable_timeout()->set_seconds(60);
  std::string name = Submit(job);
  Observe(Kind::kRunning, ReplicaOf(name));
  clock_.JumpWall(absl::Hours(3));
  executor_.AdvanceBy(absl::Seconds(50));
  EXPECT_FALSE(runtime_->desired.at(ReplicaOf(name)).stop);
  clock_.JumpWall(-absl::Hours(30));
  executor_.AdvanceBy(absl::Seconds(11));
  EXPECT_TRUE(runtime_->desired.at(ReplicaOf(name)).stop);
}

TEST_F(JobFailureTest, TheTimeoutBetweenTwoAttemptsFailsTheJob) {
  CustomJob job = Job();
  job.mutable_job_spec()->mutable_scheduling()->mutable_timeout()->set_seconds(60);
  std::string name = Submit(job);
  Observe(Kind::kRunning, ReplicaOf(name));
  runtime_->Exit(ReplicaOf(name), 139);
  executor_.AdvanceBy(absl::Seconds(61));
  EXPECT_EQ(StateOf(name), "FAILED");
  EXPECT_EQ(Get(name).error().code(), 4);
  Observe(Kind::kGone, ReplicaOf(name));
  ExpectReleased();
}

TEST_F(JobFailureTest, CancelOfAQueuedJobEndsItAtOnce) {
  std::string first = Submit(), second = Submit(), queued = Submit();
  ASSERT_TRUE(Cancel(queued).ok());
  CustomJob job = Get(queued);
  EXPECT_EQ(job.state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(job.error().code(), 1);
  EXPECT_EQ(job.error().message(), "The job was cancelled.");
  EXPECT_TRUE(job.has_end_time());
  EXPECT_FALSE(job.has_start_time());
  EXPECT_THAT(Lines(queued),
              testing::IsSupersetOf({"Job is being cancelled.", "Job was cancelled."}));
}

TEST_F(JobFailureTest, CancelStopsWithGraceAndEndsWhenAllIsGone) {
  for (v1::JobState state : {v1::JOB_STATE_PENDING, v1::JOB_STATE_RUNNING}) {
    std::string name = Submit();
    BringTo(name, state);
    ASSERT_TRUE(Cancel(name).ok());
    EXPECT_EQ(StateOf(name), "CANCELLING");
    EXPECT_TRUE(runtime_->desired.at(ReplicaOf(name)).stop);
    ASSERT_TRUE(Cancel(name).ok()) << "again";
    Observe(Kind::kRunning, ReplicaOf(name));
    EXPECT_EQ(StateOf(name), "CANCELLING");
    runtime_->Exit(ReplicaOf(name), 0);
    Run();
    EXPECT_EQ(StateOf(name), "CANCELLING");
    EXPECT_FALSE(runtime_->Wants(ReplicaOf(name)));
    Observe(Kind::kGone, ReplicaOf(name));
    EXPECT_EQ(StateOf(name), "CANCELLED");
    EXPECT_EQ(Get(name).error().code(), 1);
    EXPECT_TRUE(Record(name).status().cancel_requested());
    ASSERT_TRUE(Cancel(name).ok()) << "when it has ended";
    EXPECT_EQ(StateOf(name), "CANCELLED");
    ExpectReleased();
  }
}

TEST_F(JobFailureTest, EveryEndOfAReplicaEndsACancelledJobAsCancelled) {
  const struct {
    const char* name;
    std::function<void(FakeRuntime&, const std::string&)> end;
  } kCases[] = {
      {"exit 3", [](FakeRuntime& runtime, const std::string& id) { runtime.Exit(id, 3); }},
      {"transient", [](FakeRuntime& runtime, const std::string& id) { runtime.Exit(id, 139); }},
      {"lost",
       [](FakeRuntime& runtime, const std::string& id) { runtime.Observe(Kind::kLost, id); }},
      {"start failed",
       [](FakeRuntime& runtime, const std::string& id) {
         runtime.Fail(id, absl::NotFoundError("image"));
       }},
      {"only gone", [](FakeRuntime&, const std::string&) {}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    std::string name = Submit();
    ASSERT_TRUE(Cancel(name).ok());
    c.end(*runtime_, ReplicaOf(name));
    Run();
    EXPECT_EQ(StateOf(name), "CANCELLING");
    Observe(Kind::kGone, ReplicaOf(name));
    EXPECT_EQ(StateOf(name), "CANCELLED");
  }
}

TEST_F(JobFailureTest, CancelBetweenTwoAttemptsStartsNoOther) {
  std::string name = Submit();
  Observe(Kind::kRunning, ReplicaOf(name));
  runtime_->Exit(ReplicaOf(name), 139);
  Run();
  ASSERT_TRUE(Cancel(name).ok());
  EXPECT_EQ(StateOf(name), "CANCELLING");
  Observe(Kind::kGone, ReplicaOf(name));
  EXPECT_EQ(StateOf(name), "CANCELLED");
  ExpectReleased();
}

TEST_F(JobFailureTest, CancelOfAJobThatIsStoppedForItsTimeout) {
  CustomJob job = Job();
  job.mutable_job_spec()->mutable_scheduling()->mutable_timeout()->set_seconds(60);
  std::string name = Submit(job);
  Observe(Kind::kRunning, ReplicaOf(name));
  executor_.AdvanceBy(absl::Seconds(61));
  ASSERT_TRUE(Cancel(name).ok());
  runtime_->Exit(ReplicaOf(name), 143);
  Run();
  Observe(Kind::kGone, ReplicaOf(name));
  EXPECT_EQ(StateOf(name), "CANCELLED");
}

TEST_F(JobFailureTest, CancelOfAnUnknownJob) {
  EXPECT_EQ(Cancel("projects/p/locations/l/customJobs/1").code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace trainyard::control
