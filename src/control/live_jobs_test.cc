#include "control/live_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/plan_applier.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::control {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

using testing::ElementsAre;
using testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const sched::Machine kMachine{{4000, 100}, sched::Placement::kStrict};

LiveJob Job(const std::string& name, v1::JobState state, uint64_t position = 0) {
  trainyard::store::v1::CustomJobRecord record;
  record.mutable_job()->set_name("projects/p/locations/l/customJobs/" + name);
  record.mutable_job()->set_state(state);
  auto& pool = *record.mutable_job()->mutable_job_spec()->add_worker_pool_specs();
  pool.set_replica_count(1);
  pool.mutable_container_spec()->set_image_uri("x");
  record.mutable_status()->mutable_need()->set_cpu_milli(2000);
  LiveJob job;
  job.name = record.job().name();
  job.bytes = std::make_shared<const std::string>(record.SerializeAsString());
  job.state = state;
  job.position = position;
  job.need = {2000, 0};
  job.created = kNow;
  return job;
}

std::vector<std::string> QueueOf(const LiveJobs& jobs) {
  std::vector<std::string> ids;
  for (const sched::QueuedJob& job : jobs.SnapshotOf(100, kNow).queued) {
    ids.push_back(job.name.substr(job.name.rfind('/') + 1));
  }
  return ids;
}

TEST(LiveJobs, QueueIsInOrderOfPositions) {
  LiveJobs jobs(kMachine);
  jobs.Set(Job("b", v1::JOB_STATE_QUEUED, 2));
  jobs.Set(Job("a", v1::JOB_STATE_QUEUED, 7));
  jobs.Set(Job("c", v1::JOB_STATE_QUEUED, 1));
  EXPECT_THAT(QueueOf(jobs), ElementsAre("c", "b", "a"));
  EXPECT_GT(jobs.NextPosition(), 7);
  EXPECT_EQ(jobs.SnapshotUpTo(*jobs.Find(Job("b", {}).name), kNow).queued.size(), 2);
  jobs.Erase(Job("c", {}).name);
  EXPECT_THAT(QueueOf(jobs), ElementsAre("b", "a"));
}

TEST(LiveJobs, RoomFollowsTheStates) {
  LiveJobs jobs(kMachine);
  jobs.Set(Job("a", v1::JOB_STATE_QUEUED, 1));
  EXPECT_EQ(jobs.free().cpu_milli, 4000);
  for (v1::JobState state : {v1::JOB_STATE_PENDING, v1::JOB_STATE_RUNNING, v1::JOB_STATE_CANCELLING,
                             v1::JOB_STATE_SUCCEEDED}) {
    jobs.Set(Job("a", state));
    EXPECT_EQ(jobs.free().cpu_milli, 2000) << state;
    EXPECT_THAT(QueueOf(jobs), IsEmpty());
  }
  EXPECT_EQ(jobs.CountRunning(), 0) << "it has ended, and only its traces hold room";
  jobs.Erase(Job("a", {}).name);
  EXPECT_EQ(jobs.free().cpu_milli, 4000);
}

// A plan made before the world changed.
TEST(PlanApplier, ChecksThePlanAgainstTheJobsAsTheyAre) {
  LiveJobs jobs(kMachine);
  for (int i = 1; i <= 3; ++i) {
    jobs.Set(Job(std::to_string(i), v1::JOB_STATE_QUEUED, static_cast<uint64_t>(i)));
  }
  Batch batch(jobs, {kNow, absl::ZeroDuration()}, absl::Seconds(30));
  std::string one = Job("1", {}).name, two = Job("2", {}).name, three = Job("3", {}).name;
  EXPECT_EQ(ApplyPlan({.placed = {"projects/p/locations/l/customJobs/gone"}}, batch), 0);
  EXPECT_EQ(ApplyPlan({.never = {one}}, batch), 0) << "it can start";
  EXPECT_EQ(ApplyPlan({.placed = {one, one}}, batch), 1) << "it is placed already";
  EXPECT_EQ(ApplyPlan({.placed = {two, three}}, batch), 1) << "there is no room for both";
  EXPECT_THAT(QueueOf(jobs), ElementsAre("3"));
  batch.Undo();
  EXPECT_THAT(QueueOf(jobs), ElementsAre("1", "2", "3"));
  EXPECT_EQ(jobs.free().cpu_milli, 4000);
}

}  // namespace
}  // namespace trainyard::control
