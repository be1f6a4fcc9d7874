// The server stops at any point and starts again; and commits that fail.
#include <gmock/gmock.h>

#include "control/engine_fixture.h"
#include "control/timestamp.h"

namespace trainyard::control {
namespace {

using testing::ElementsAre;
using Kind = Observation::Kind;

using RestartTest = EngineTest;

TEST_F(RestartTest, ARunningJobIsNamedAgainAndRunsOn) {
  std::string name = Submit();
  BringTo(name, v1::JOB_STATE_RUNNING);
  DesiredReplica before = runtime_->desired.at(ReplicaOf(name));
  StartEngine();
  ASSERT_TRUE(runtime_->Wants(ReplicaOf(name)));
  const DesiredReplica& after = runtime_->desired.at(ReplicaOf(name));
  EXPECT_FALSE(after.stop);
  EXPECT_EQ(after.host_name, before.host_name);
  EXPECT_EQ(after.environment, before.environment);
  Observe(Kind::kRunning, ReplicaOf(name));
  EXPECT_EQ(StateOf(name), "RUNNING");
  runtime_->Exit(ReplicaOf(name), 0);
  Run();
  EXPECT_EQ(StateOf(name), "SUCCEEDED");
}

TEST_F(RestartTest, AJobThatEndedWhileTheServerWasAway) {
  std::string name = Submit();
  StartEngine();
  runtime_->Exit(ReplicaOf(name), 3);
  Run();
  EXPECT_EQ(StateOf(name), "FAILED");
}

TEST_F(RestartTest, TheQueueKeepsItsOrder) {
  std::vector<std::string> names;
  for (int i = 0; i < 6; ++i) names.push_back(Submit());
  StartEngine();
  for (size_t i = 0; i + 2 < names.size(); ++i) {
    EXPECT_EQ(StateOf(names[i + 2]), "QUEUED");
    BringTo(names[i], v1::JOB_STATE_SUCCEEDED);
    EXPECT_EQ(StateOf(names[i + 2]), "PENDING") << i;
  }
}

TEST_F(RestartTest, ACancelledJobIsStoppedAgain) {
  std::string name = Submit();
  BringTo(name, v1::JOB_STATE_CANCELLING);
  StartEngine();
  EXPECT_TRUE(runtime_->desired.at(ReplicaOf(name)).stop);
  Observe(Kind::kGone, ReplicaOf(name));
  EXPECT_EQ(StateOf(name), "CANCELLED");
}

TEST_F(RestartTest, ACancelledJobWhoseReplicaHadExitedWaitsForItsTraces) {
  std::string name = Submit();
  BringTo(name, v1::JOB_STATE_CANCELLING);
  runtime_->Exit(ReplicaOf(name), 143);
  Run();
  StartEngine();
  EXPECT_TRUE(runtime_->desired.at(ReplicaOf(name)).stop);
  EXPECT_EQ(StateOf(name), "CANCELLING");
  runtime_->Exit(ReplicaOf(name), 143);
  Run();
  EXPECT_FALSE(runtime_->Wants(ReplicaOf(name)));
  Observe(Kind::kGone, ReplicaOf(name));
  EXPECT_EQ(StateOf(name), "CANCELLED");
}

TEST_F(RestartTest, BetweenTwoAttemptsTheLastIsSeenGoneFirst) {
  std::string name = Submit();
  Observe(Kind::kRunning, ReplicaOf(name));
  runtime_->Exit(ReplicaOf(name), 139);
  Run();
  StartEngine();
  EXPECT_TRUE(runtime_->desired.at(ReplicaOf(name)).stop);
  EXPECT_FALSE(runtime_->Wants(ReplicaOf(name, 2)));
  runtime_->Exit(ReplicaOf(name), 139);
  Run();
  Observe(Kind::kGone, ReplicaOf(name));
  EXPECT_TRUE(runtime_->Wants(ReplicaOf(name, 2)));
  EXPECT_EQ(Record(name).status().attempt(), 2);
}

TEST_F(RestartTest, TheTimeoutGoesOn) {
  CustomJob job = Job();
  job.mutable_job_spec()->mutable_scheduling()->mutable_timeout()->set_seconds(60);
  std::string name = Submit(job);
  Observe(Kind::kRunning, ReplicaOf(name));
  executor_.AdvanceBy(absl::Seconds(40));
  StartEngine();
  executor_.AdvanceBy(absl::Seconds(15));
  EXPECT_FALSE(runtime_->desired.at(ReplicaOf(name)).stop);
  executor_.AdvanceBy(absl::Seconds(10));
  EXPECT_TRUE(runtime_->desired.at(ReplicaOf(name)).stop);
  StartEngine();
  EXPECT_TRUE(runtime_->desired.at(ReplicaOf(name)).stop);
  runtime_->Exit(ReplicaOf(name), 0);
  Run();
  EXPECT_EQ(Get(name).error().code(), 4);
}

TEST_F(RestartTest, ATimeoutThatPassedWhileTheServerWasAway) {
  CustomJob job = Job();
  job.mutable_job_spec()->mutable_scheduling()->mutable_timeout()->set_seconds(60);
  std::string name = Submit(job);
  Observe(Kind::kRunning, ReplicaOf(name));
  engine_.reset();
  clock_.Advance(absl::Hours(1));
  StartEngine();
  EXPECT_TRUE(runtime_->desired.at(ReplicaOf(name)).stop);
}

TEST_F(RestartTest, JobsThatNoLongerFitTheMachineFail) {
  Submit(), Submit();
  std::string big = Submit(), small = Submit(Job("one-cpu"));
  options_.machine.capacity.cpu_milli = 1000;
  StartEngine();
  EXPECT_EQ(StateOf(big), "FAILED");
  EXPECT_EQ(StateOf(small), "QUEUED");
}

TEST_F(RestartTest, EndedJobsAreNotLoaded) {
  std::string name = Submit();
  BringTo(name, v1::JOB_STATE_SUCCEEDED);
  StartEngine();
  EXPECT_TRUE(runtime_->desired.empty());
  EXPECT_EQ(StateOf(name), "SUCCEEDED");
}

TEST_F(RestartTest, ARuntimeThatCannotStartIsAnError) {
  engine_.reset();
  FakeRuntime broken(clock_);
  broken.start_status = absl::FailedPreconditionError("no crun");
  auto engine =
      Engine::Create({executor_, clock_, random_, store_, broken, log_, machines_}, options_);
  EXPECT_EQ(engine->Start().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RestartTest, AFailedCommitIsAnErrorAndNothingOfItStays) {
  store_.failures = 1;
  EXPECT_EQ(Create(Job()).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(store_.records.empty());
  EXPECT_TRUE(runtime_->desired.empty());
  std::string first = Submit(), second = Submit();
  EXPECT_EQ(StateOf(second), "PENDING") << "the failed one holds nothing";
  store_.failures = 1;
  EXPECT_EQ(Cancel(first).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(StateOf(first), "PENDING");
  EXPECT_FALSE(runtime_->desired.at(ReplicaOf(first)).stop);
}

TEST_F(RestartTest, ObservationsSurviveFailedCommitsInTheirOrder) {
  std::string name = Submit(), other = Submit();
  store_.failures = 3;
  Observe(Kind::kRunning, ReplicaOf(name));
  runtime_->Exit(ReplicaOf(name), 0);
  Run();
  EXPECT_EQ(StateOf(name), "PENDING");
  EXPECT_TRUE(runtime_->Wants(ReplicaOf(name))) << "its end is not recorded yet";
  executor_.AdvanceBy(absl::Seconds(10));
  EXPECT_EQ(StateOf(name), "SUCCEEDED");
  EXPECT_TRUE(Get(name).has_start_time());
  EXPECT_FALSE(runtime_->Wants(ReplicaOf(name)));
  EXPECT_EQ(store_.failures, 0);
}

TEST_F(RestartTest, CallersAreServedWhileAnObservationWaitsForItsRetry) {
  std::string name = Submit();
  store_.failures = 1;
  Observe(Kind::kRunning, ReplicaOf(name));
  EXPECT_EQ(StateOf(name), "PENDING");
  EXPECT_EQ(StateOf(Submit()), "PENDING");
  executor_.AdvanceBy(absl::Seconds(1));
  EXPECT_EQ(StateOf(name), "RUNNING");
}

TEST_F(RestartTest, APlanThatCouldNotBeCommittedIsMadeAgain) {
  std::string first = Submit(), second = Submit(), queued = Submit();
  runtime_->Exit(ReplicaOf(first), 0);
  Run();
  store_.failures = 1;
  Observe(Kind::kGone, ReplicaOf(first));
  EXPECT_EQ(StateOf(queued), "QUEUED");
  executor_.AdvanceBy(absl::Seconds(1));
  EXPECT_EQ(StateOf(queued), "PENDING");
}

}  // namespace
}  // namespace trainyard::control
