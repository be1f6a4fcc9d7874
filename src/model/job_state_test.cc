#include "model/job_state.h"

#include <map>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace trainyard::model {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

constexpr JobEvent kEvents[] = {
    JobEvent::kPlaced, JobEvent::kAllRunning,      JobEvent::kSucceeded, JobEvent::kFailed,
    JobEvent::kRetry,  JobEvent::kCancelRequested, JobEvent::kStopped};

// One letter a state: what each event makes of it; '.': illegal.
char LetterOf(JobState state) {
  static const auto& letters = *new std::map<JobState, char>{
      {v1::JOB_STATE_QUEUED, 'Q'},    {v1::JOB_STATE_PENDING, 'P'}, {v1::JOB_STATE_RUNNING, 'R'},
      {v1::JOB_STATE_SUCCEEDED, 'S'}, {v1::JOB_STATE_FAILED, 'F'},  {v1::JOB_STATE_CANCELLING, 'g'},
      {v1::JOB_STATE_CANCELLED, 'C'}};
  auto found = letters.find(state);
  return found == letters.end() ? '?' : found->second;
}

std::string RowOf(JobState state) {
  std::string row;
  for (JobEvent event : kEvents) {
    absl::StatusOr<JobState> next = Next(state, event);
    if (!next.ok()) {
      EXPECT_EQ(next.status().code(), absl::StatusCode::kFailedPrecondition);
    }
    row += next.ok() ? LetterOf(*next) : '.';
  }
  return row;
}

TEST(JobStateTest, EveryLegalAndIllegalTransition) {
  //                                             events: placed, all running, succeeded, failed,
  //                                                     retry, cancel requested, stopped
  std::map<JobState, std::string> expected = {
      {v1::JOB_STATE_UNSPECIFIED, "......."}, {v1::JOB_STATE_QUEUED, "P..F.g."},
      {v1::JOB_STATE_PENDING, ".RSFPg."},     {v1::JOB_STATE_RUNNING, "..SFPg."},
      {v1::JOB_STATE_SUCCEEDED, "......."},   {v1::JOB_STATE_FAILED, "......."},
      {v1::JOB_STATE_CANCELLING, "..SF.gC"},  {v1::JOB_STATE_CANCELLED, "......."},
      {v1::JOB_STATE_PAUSED, "......."},      {v1::JOB_STATE_EXPIRED, "......."},
      {v1::JOB_STATE_UPDATING, "......."},    {v1::JOB_STATE_PARTIALLY_SUCCEEDED, "......."}};
  for (int number = v1::JobState_MIN; number <= v1::JobState_MAX; ++number) {
    if (!v1::JobState_IsValid(number)) continue;
    auto state = static_cast<JobState>(number);
    ASSERT_TRUE(expected.contains(state)) << v1::JobState_Name(state);
    EXPECT_EQ(RowOf(state), expected[state]) << v1::JobState_Name(state);
  }
}

TEST(JobStateTest, NothingLeavesATerminalState) {
  std::set<JobState> terminal = {v1::JOB_STATE_SUCCEEDED, v1::JOB_STATE_FAILED,
                                 v1::JOB_STATE_CANCELLED, v1::JOB_STATE_EXPIRED,
                                 v1::JOB_STATE_PARTIALLY_SUCCEEDED};
  for (int number = v1::JobState_MIN; number <= v1::JobState_MAX; ++number) {
    auto state = static_cast<JobState>(number);
    EXPECT_EQ(IsTerminal(state), terminal.contains(state)) << number;
    if (IsTerminal(state)) {
      EXPECT_EQ(RowOf(state), ".......");
    }
  }
}

TEST(JobStateTest, TheErrorNamesStateAndEvent) {
  absl::Status status = Next(v1::JOB_STATE_QUEUED, JobEvent::kStopped).status();
  EXPECT_EQ(status.message(), "JOB_STATE_QUEUED has no transition for STOPPED");
}

}  // namespace
}  // namespace trainyard::model
