#include "control/job_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trainyard::control {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

using testing::HasSubstr;

constexpr char kName[] = "projects/p/locations/l/customJobs/17";

store::Event Step(const std::string& cause, v1::JobState from, v1::JobState state) {
  trainyard::store::v1::JobTransition step;
  step.set_cause(cause);
  step.set_from(from);
  step.set_state(state);
  return {kName, absl::UnixEpoch(), step.SerializeAsString()};
}

const store::Event kCreated = Step("created", v1::JOB_STATE_QUEUED, v1::JOB_STATE_QUEUED);

TEST(JobHistory, FollowsALife) {
  JobHistory history;
  for (const store::Event& event :
       {kCreated, Step("PLACED", v1::JOB_STATE_QUEUED, v1::JOB_STATE_PENDING),
        Step("assigned", v1::JOB_STATE_PENDING, v1::JOB_STATE_PENDING),
        Step("ALL_RUNNING", v1::JOB_STATE_PENDING, v1::JOB_STATE_RUNNING)}) {
    ASSERT_TRUE(history.Apply(event).ok());
  }
  EXPECT_EQ(history.jobs().at(kName).state(), v1::JOB_STATE_RUNNING);
  trainyard::store::v1::CustomJobRecord record;
  record.mutable_job()->set_name(kName);
  record.mutable_job()->set_state(v1::JOB_STATE_RUNNING);
  EXPECT_EQ(DifferenceOf(history.jobs().at(kName), record), "");
  record.mutable_status()->set_attempt(2);
  EXPECT_THAT(DifferenceOf(history.jobs().at(kName), record), HasSubstr("attempt: 2"));
}

TEST(JobHistory, ADeletedJobIsForgottenAndMayBeMadeAgain) {
  JobHistory history;
  ASSERT_TRUE(history.Apply(kCreated).ok());
  ASSERT_TRUE(history.Apply(Step("deleted", v1::JOB_STATE_QUEUED, v1::JOB_STATE_QUEUED)).ok());
  EXPECT_TRUE(history.jobs().empty());
  EXPECT_TRUE(history.Apply(kCreated).ok());
}

TEST(JobHistory, WhatDoesNotFollowIsRefused) {
  const struct {
    const char* name;
    store::Event event;
    const char* why;
  } kCases[] = {
      {"twice created", kCreated, "it exists"},
      {"not in the table", Step("PLACED", v1::JOB_STATE_QUEUED, v1::JOB_STATE_RUNNING), "table"},
      {"from elsewhere", Step("ALL_RUNNING", v1::JOB_STATE_PENDING, v1::JOB_STATE_RUNNING),
       "it was JOB_STATE_QUEUED"},
      {"a silent move", Step("assigned", v1::JOB_STATE_QUEUED, v1::JOB_STATE_RUNNING), "table"},
      {"no step", {kName, absl::UnixEpoch(), "\xff"}, "cannot be read"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    JobHistory history;
    ASSERT_TRUE(history.Apply(kCreated).ok());
    EXPECT_THAT(history.Apply(c.event).message(), HasSubstr(c.why));
  }
  JobHistory empty;
  EXPECT_THAT(empty.Apply(Step("PLACED", v1::JOB_STATE_QUEUED, v1::JOB_STATE_PENDING)).message(),
              HasSubstr("does not exist"));
  EXPECT_TRUE(empty.Apply({"accounts/x", absl::UnixEpoch(), "\xff"}).ok()) << "not a job's";
}

}  // namespace
}  // namespace trainyard::control
