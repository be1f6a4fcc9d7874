// Each known bug is found, by the rule that is there for it; without a bug nothing is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/run.h"

namespace trainyard::sim {
namespace {

constexpr uint64_t kSeedsMax = 2000;

struct BugCase {
  Bug bug;
  const char* name;
  const char* found;  // part of the finding
};

const BugCase kBugCases[] = {
    {Bug::kStartsAgainWhatRan, "StartsAgainWhatRan", "replica started twice"},
    {Bug::kGoneTooEarly, "GoneTooEarly", "job runs twice at a time"},
    {Bug::kForgetsExits, "ForgetsExits", "never ended"},
    {Bug::kStartsWhatShouldStop, "StartsWhatShouldStop", ""},
    {Bug::kTellsFailureAsSuccess, "TellsFailureAsSuccess", "did not exit with 0"},
    {Bug::kLeavesTraces, "LeavesTraces", "replicas left traces behind"},
    {Bug::kForgetsACommit, "ForgetsACommit", ""},
    {Bug::kDropsEvents, "DropsEvents", "the log does not tell of"},
    {Bug::kWritesAnotherState, "WritesAnotherState", "the table has no such row"},
    {Bug::kPlacesTooMuch, "PlacesTooMuch", "capacity exceeded"},
    {Bug::kForgetsCancels, "ForgetsCancels", "was cancelled and ended as"},
    {Bug::kOverwritesAnEnd, "OverwritesAnEnd", "and is written as JOB_STATE_RUNNING"},
};

class MutationTest : public testing::TestWithParam<BugCase> {};

// Seeds until one finds it: most of what a bug does shows only in some runs.
TEST_P(MutationTest, IsFound) {
  ScratchDirectory scratch;
  for (uint64_t seed = 1; seed <= kSeedsMax; ++seed) {
    scratch.Clear();
    Options options = DrawOptions(seed);
    options.directory = scratch.path();
    options.bug = GetParam().bug;
    Outcome outcome = RunOnce(options);
    for (const std::string& finding : outcome.findings) {
      if (finding.find(GetParam().found) != std::string::npos) return;
    }
  }
  FAIL() << "nothing found in " << kSeedsMax << " seeds";
}

INSTANTIATE_TEST_SUITE_P(Bugs, MutationTest, testing::ValuesIn(kBugCases),
                         [](const auto& info) { return info.param.name; });

TEST(Simulation, TheSameSeedIsTheSameRun) {
  auto run = [](uint64_t seed) {
    ScratchDirectory scratch;
    Options options = DrawOptions(seed);
    options.directory = scratch.path();
    return RunOnce(options);
  };
  for (uint64_t seed : {3, 4, 5}) {
    Outcome first = run(seed), second = run(seed);
    EXPECT_EQ(first.trace, second.trace);
    EXPECT_THAT(first.findings, testing::IsEmpty());
    EXPECT_GT(first.created, 0);
  }
}

}  // namespace
}  // namespace trainyard::sim
