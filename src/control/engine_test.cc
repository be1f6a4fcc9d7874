#include "control/engine.h"

#include <gmock/gmock.h>

#include "control/engine_fixture.h"
#include "control/timestamp.h"
#include "google/cloud/aiplatform/v1/operation.pb.h"
#include "google/protobuf/empty.pb.h"

namespace trainyard::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(EngineTest, AJobIsPlacedInTheTransactionThatCreatesIt) {
  int64_t before = store_.revision();
  absl::StatusOr<CustomJob> job = Create(Job());
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(store_.revision(), before + 1);
  EXPECT_EQ(job->state(), v1::JOB_STATE_PENDING);
  EXPECT_THAT(job->name(), testing::MatchesRegex(std::string(kParent) + "/customJobs/[0-9]{19}"));
  EXPECT_TRUE(job->has_create_time());
  EXPECT_FALSE(job->has_start_time());
  ASSERT_TRUE(runtime_->Wants(ReplicaOf(job->name())));
  const DesiredReplica& replica = runtime_->desired.at(ReplicaOf(job->name()));
  EXPECT_EQ(replica.task_name, "workerpool0-0");
  EXPECT_EQ(replica.project, "p");
  EXPECT_EQ(replica.location, "us-central1");
  EXPECT_EQ(replica.need.memory_bytes(), kGiB);
  EXPECT_EQ(replica.pool.container_spec().args(0), "--job=" + IdOf(job->name()));
  EXPECT_THAT(replica.host_name, testing::StartsWith("cmle-training-workerpool0-"));
  EXPECT_FALSE(replica.stop);
}

TEST_F(EngineTest, SeveralCallsAreOneTransaction) {
  int64_t before = store_.revision();
  int replies = 0;
  for (int i = 0; i < 50; ++i) {
    engine_->CreateCustomJob(kParent, Job(), "", [&](absl::StatusOr<CustomJob> job) {
      EXPECT_TRUE(job.ok());
      EXPECT_EQ(store_.revision(), before + 1);
      ++replies;
    });
  }
  executor_.RunReady();
  EXPECT_EQ(replies, 50);
  EXPECT_EQ(store_.revision(), before + 1);
}

TEST_F(EngineTest, TheWholeWayOfASuccess) {
  std::string name = Submit();
  clock_.Advance(absl::Seconds(3));
  Observe(Observation::Kind::kRunning, ReplicaOf(name));
  EXPECT_EQ(StateOf(name), "RUNNING");
  CustomJob running = Get(name);
  EXPECT_GT(FromTimestamp(running.start_time()), FromTimestamp(running.create_time()));
  EXPECT_FALSE(running.has_end_time());
  clock_.Advance(absl::Seconds(3));
  runtime_->Exit(ReplicaOf(name), 0);
  Run();
  CustomJob ended = Get(name);
  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_FALSE(ended.has_error());
  EXPECT_EQ(ended.start_time().DebugString(), running.start_time().DebugString());
  EXPECT_GT(FromTimestamp(ended.end_time()), FromTimestamp(ended.start_time()));
  EXPECT_EQ(ended.end_time().DebugString(), ended.update_time().DebugString());
  EXPECT_FALSE(runtime_->Wants(ReplicaOf(name)));
  EXPECT_THAT(
      Lines(name),
      ElementsAre("Waiting for job to be provisioned.",
                  "Vertex AI is provisioning job running framework. The first use of an "
                  "image may take longer.",
                  "Vertex AI is setting up this job.", "Waiting for training program to start.",
                  "Job is preparing.", "Job is running.", "Tearing down training program.",
                  "Finished tearing down training program.", "Job completed successfully."));
}

TEST_F(EngineTest, AnExitThatComesBeforeTheStartWasSeenStillHasAStartTime) {
  std::string name = Submit();
  trainyard::runner::v1::ExitRecord exit;
  exit.set_started_unix_us(absl::ToUnixMicros(clock_.Now()));
  clock_.Advance(absl::Seconds(1));
  runtime_->Exit(ReplicaOf(name), exit);
  Run();
  EXPECT_EQ(StateOf(name), "SUCCEEDED");
  EXPECT_EQ(FromTimestamp(Get(name).end_time()) - FromTimestamp(Get(name).start_time()),
            absl::Seconds(1));
}

TEST_F(EngineTest, JobsWaitInOrderAndStartAsRoomIsFreed) {
  std::vector<std::string> names;
  for (int i = 0; i < 4; ++i) names.push_back(Submit());
  std::string small = Submit(Job("one-cpu"));
  EXPECT_EQ(StateOf(names[1]), "PENDING");
  EXPECT_EQ(StateOf(names[2]), "QUEUED");
  EXPECT_EQ(StateOf(small), "QUEUED");
  EXPECT_THAT(Lines(names[2]).back(), HasSubstr("Waits for cpu: needs 2 cpu; 0 of 4 free; job "));
  EXPECT_EQ(Lines(names[3]).back(), "Waits in the queue: 1 job is ahead of it.");
  EXPECT_EQ(Record(names[3]).status().what_waits(), "Waits in the queue: 1 job is ahead of it.");
  BringTo(names[0], v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(StateOf(names[2]), "PENDING");
  EXPECT_EQ(StateOf(names[3]), "QUEUED");
  EXPECT_EQ(StateOf(small), "QUEUED") << "nothing overtakes the head";
}

TEST_F(EngineTest, RoomIsFreeOnlyWhenTheLastTraceIsGone) {
  std::string first = Submit(), second = Submit(), third = Submit();
  runtime_->Exit(ReplicaOf(first), 0);
  Run();
  EXPECT_EQ(StateOf(first), "SUCCEEDED");
  EXPECT_EQ(StateOf(third), "QUEUED");
  Observe(Observation::Kind::kGone, ReplicaOf(first));
  EXPECT_EQ(StateOf(third), "PENDING");
}

TEST_F(EngineTest, AJobThatCanNeverFitFailsAtOnce) {
  Submit(), Submit(), Submit();  // the queue is not empty
  absl::StatusOr<CustomJob> job = Create(Job("huge"));
  ASSERT_TRUE(job.ok());
  EXPECT_EQ(job->state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job->error().code(), 8);
  EXPECT_EQ(job->error().message(),
            "Resources are insufficient in region: us-central1. The job needs 96 cpu; this machine "
            "has 4 cpu in all, so it can never start. Choose a machine type of at most 4 cpu and "
            "16 GiB, or start the server with placement: share.");
  EXPECT_EQ(Lines(job->name()).back(), "Job failed.");
}

TEST_F(EngineTest, ASharedMachineGrantsTheMemoryItHas) {
  options_.machine = {{2000, kGiB / 2}, sched::Placement::kShare};
  StartEngine();
  std::string name = Submit(Job("huge"));
  EXPECT_EQ(runtime_->desired.at(ReplicaOf(name)).need.memory_bytes(), kGiB / 2);
  EXPECT_EQ(runtime_->desired.at(ReplicaOf(name)).need.cpu_milli(), 96000);
}

TEST_F(EngineTest, AnUnknownImageIsRefusedAsAFieldError) {
  runtime_->bad_image = "python";
  absl::Status refused = Create(Job()).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.message(),
              HasSubstr("job_spec.worker_pool_specs[0].container_spec.image_uri"));
  EXPECT_THAT(store_.records, IsEmpty());
}

TEST_F(EngineTest, DeleteNeedsAnEndedJob) {
  std::string name = Submit();
  for (v1::JobState state :
       {v1::JOB_STATE_PENDING, v1::JOB_STATE_RUNNING, v1::JOB_STATE_CANCELLING}) {
    BringTo(name, state);
    EXPECT_EQ(Delete(name).status().code(), absl::StatusCode::kFailedPrecondition);
  }
  runtime_->Exit(ReplicaOf(name), 0);
  Run();
  Observe(Observation::Kind::kGone, ReplicaOf(name));
  absl::StatusOr<google::longrunning::Operation> operation = Delete(name);
  ASSERT_TRUE(operation.ok()) << operation.status();
  EXPECT_TRUE(operation->done());
  EXPECT_TRUE(operation->response().Is<google::protobuf::Empty>());
  v1::DeleteOperationMetadata metadata;
  ASSERT_TRUE(operation->metadata().UnpackTo(&metadata));
  EXPECT_TRUE(metadata.generic_metadata().has_create_time());
  EXPECT_EQ(engine_->GetCustomJob(name).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Lines(name), IsEmpty());
  EXPECT_EQ(Delete(name).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Cancel(name).code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(store_.records.contains({store::kOperations, operation->name()}));
  for (bool there : {true, false}) {
    absl::Status forgotten = absl::InternalError("no reply");
    engine_->DeleteOperation(operation->name(),
                             [&](absl::StatusOr<bool> got) { forgotten = got.status(); });
    Run();
    EXPECT_EQ(forgotten.code(), there ? absl::StatusCode::kOk : absl::StatusCode::kNotFound);
  }
}

TEST_F(EngineTest, DeleteOfANameTwiceInOneTransaction) {
  std::string name = Submit();
  BringTo(name, v1::JOB_STATE_FAILED);
  std::vector<absl::StatusCode> codes;
  for (int i = 0; i < 2; ++i) {
    engine_->DeleteCustomJob(name, [&](auto got) { codes.push_back(got.status().code()); });
  }
  Run();
  EXPECT_THAT(codes, ElementsAre(absl::StatusCode::kOk, absl::StatusCode::kNotFound));
}

TEST_F(EngineTest, ExplainTellsWhereAJobStands) {
  std::string first = Submit(), second = Submit(), third = Submit();
  auto explain = [&](const std::string& name) {
    absl::StatusOr<sched::Explanation> explanation = absl::InternalError("no reply");
    engine_->Explain(name, [&](auto got) { explanation = std::move(got); });
    Run();
    return explanation;
  };
  EXPECT_EQ(explain(first)->summary, "The job has its place and is being prepared.");
  EXPECT_EQ(explain(third)->position, 1);
  EXPECT_EQ(explain(third)->blockers[0].resource, "cpu");
  BringTo(first, v1::JOB_STATE_FAILED);
  EXPECT_EQ(explain(first)->summary, "The job has ended: JOB_STATE_FAILED.");
  EXPECT_EQ(explain("projects/p/locations/l/customJobs/1").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(EngineTest, StatusCountsJobsAndRoom) {
  std::string first = Submit();
  Submit(), Submit();
  absl::StatusOr<EngineStatus> status = absl::InternalError("no reply");
  engine_->GetStatus([&](absl::StatusOr<EngineStatus> got) { status = got; });
  Run();
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->running, 2);
  EXPECT_EQ(status->queued, 1);
  EXPECT_EQ(status->capacity.cpu_milli, 4000);
  EXPECT_EQ(status->free.cpu_milli, 0);
  EXPECT_EQ(status->free.memory_bytes, 14 * kGiB);
}

TEST_F(EngineTest, PutWritesWhatNoControllerOwns) {
  store::Transaction transaction;
  store::Write write;
  write.record.kind = store::kAccounts;
  write.record.name = "someone";
  transaction.writes.push_back(write);
  bool done = false;
  engine_->Put(transaction, [&](absl::StatusOr<bool> got) { done = got.ok(); });
  Run();
  EXPECT_TRUE(done);
  EXPECT_TRUE(store_.records.contains({store::kAccounts, "someone"}));
}

TEST_F(EngineTest, ABusyEngineRefusesAtOnce) {
  options_.command_queue_max = 3;
  StartEngine();
  std::vector<absl::StatusCode> codes;
  for (int i = 0; i < 5; ++i) {
    engine_->CreateCustomJob(kParent, Job(), "",
                             [&](auto got) { codes.push_back(got.status().code()); });
  }
  EXPECT_THAT(codes, ElementsAre(absl::StatusCode::kUnavailable, absl::StatusCode::kUnavailable));
  Run();
  EXPECT_EQ(codes.size(), 5);
}

TEST_F(EngineTest, AnEngineThatStopsAnswersWhatWaits) {
  absl::Status status;
  engine_->CreateCustomJob(kParent, Job(), "", [&](auto got) { status = got.status(); });
  engine_.reset();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  Run();
  EXPECT_THAT(store_.records, IsEmpty());
}

TEST_F(EngineTest, ClockThatGoesBackKeepsTheQueueAndTheTimesInOrder) {
  Submit(), Submit();
  std::string first = Submit();
  clock_.JumpWall(-absl::Hours(5));
  std::string second = Submit();
  EXPECT_GT(FromTimestamp(Get(second).create_time()), FromTimestamp(Get(first).create_time()));
  ASSERT_TRUE(Cancel(first).ok());
  CustomJob ended = Get(first);
  EXPECT_GE(FromTimestamp(ended.end_time()), FromTimestamp(ended.create_time()));
}

}  // namespace
}  // namespace trainyard::control
