#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sched/planner.h"

namespace trainyard::sched {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kGiB = int64_t{1} << 30;
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

Need Cpus(int64_t cpus, int64_t gibibytes) { return {cpus * 1000, gibibytes * kGiB}; }

RunningJob Running(std::string name, Need need, absl::Duration left = absl::InfiniteDuration()) {
  return {std::move(name), need, kNow - absl::Minutes(1), kNow + left};
}

QueuedJob Queued(std::string name, Need need, absl::Duration timeout = absl::InfiniteDuration()) {
  return {std::move(name), need, kNow, 0, timeout};
}

Snapshot Strict(std::vector<RunningJob> running, std::vector<QueuedJob> queued) {
  return {{Cpus(8, 16), Placement::kStrict}, std::move(running), std::move(queued)};
}

struct ExplainCase {
  const char* name;
  Snapshot snapshot;
  const char* job;
  int position;
  std::vector<std::string> resources;
  std::vector<std::string> end;
  const char* change;
  absl::Duration starts_in;
};

std::vector<ExplainCase> ExplainCases() {
  absl::Duration never = absl::InfiniteDuration();
  return {
      {"nothing in its way",
       Strict({}, {Queued("a", Cpus(1, 1))}),
       "a",
       1,
       {},
       {},
       "",
       absl::ZeroDuration()},
      {"one holder is enough",
       Strict({Running("r4", Cpus(4, 0), absl::Minutes(5)),
               Running("r2", Cpus(2, 0), absl::Minutes(1))},
              {Queued("a", Cpus(3, 1))}),
       "a",
       1,
       {"cpu"},
       {"r2"},
       "Cancel job r2, or ask for a machine type of at most 2 cpu and 1 GiB "
       "of memory, not 3 cpu and 1 GiB.",
       absl::Minutes(1)},
      {"two are needed",
       Strict({Running("r4", Cpus(4, 0), absl::Minutes(5)),
               Running("r3", Cpus(3, 0), absl::Minutes(9)),
               Running("r1", Cpus(1, 0), absl::Minutes(1))},
              {Queued("a", Cpus(6, 0))}),
       "a",
       1,
       {"cpu"},
       {"r3", "r4"},
       "Cancel jobs r3 and r4.",
       absl::Minutes(9)},
      {"a waiting job goes before a running one",
       Strict({Running("r", Cpus(6, 4), absl::Minutes(5))},
              {Queued("w", Cpus(4, 4), absl::Minutes(3)), Queued("a", Cpus(2, 4))}),
       "a",
       2,
       {"queue"},
       {"w"},
       "Cancel job w.",
       absl::Minutes(5)},
      {"the queue and a resource",
       Strict({Running("r", Cpus(7, 0), absl::Minutes(5))},
              {Queued("w", Cpus(4, 0), absl::Minutes(3)), Queued("a", Cpus(5, 0))}),
       "a",
       2,
       {"queue", "cpu"},
       {"r", "w"},
       "Cancel jobs r and w.",
       absl::Minutes(8)},
      {"no known end",
       Strict({Running("r", Cpus(8, 1))}, {Queued("a", Cpus(1, 1))}),
       "a",
       1,
       {"cpu"},
       {"r"},
       "Cancel job r.",
       never},
  };
}

TEST(Explain, Table) {
  for (const ExplainCase& c : ExplainCases()) {
    SCOPED_TRACE(c.name);
    Explanation got = Explain(c.snapshot, c.job, kNow);
    EXPECT_EQ(got.position, c.position);
    EXPECT_TRUE(got.can_ever_start);
    std::vector<std::string> resources;
    for (const Blocker& blocker : got.blockers) resources.push_back(blocker.resource);
    EXPECT_EQ(resources, c.resources);
    EXPECT_EQ(got.change.end, c.end);
    EXPECT_EQ(got.smallest_change, c.change);
    EXPECT_EQ(got.estimated_start, kNow + c.starts_in);
  }
}

TEST(Explain, SummaryTellsNumbersHolderAndTime) {
  Explanation got = Explain(
      Strict({Running("p/17", Cpus(4, 12), absl::Minutes(10))}, {Queued("p/18", Cpus(1, 8))}),
      "p/18", kNow);
  EXPECT_EQ(got.summary,
            "Waits for memory: needs 8 GiB of memory; 4 GiB of 16 GiB free; job 17 holds 12 GiB. "
            "Starts at the latest at 2027-01-15T08:10:00Z, should every job before it use all of "
            "its time.");
  EXPECT_EQ(
      got.smallest_change,
      "Cancel job 17, or ask for a machine type of at most 1 cpu and 4 GiB of memory, not 1 cpu "
      "and 8 GiB.");
}

TEST(Explain, QueueBlockerTellsWhatTheHeadWaitsFor) {
  Snapshot snapshot =
      Strict({Running("p/1", Cpus(8, 1))},
             {Queued("p/2", Cpus(2, 1)), Queued("p/3", Cpus(1, 1)), Queued("p/4", Cpus(1, 1))});
  Explanation got = Explain(snapshot, "p/4", kNow);
  ASSERT_EQ(got.blockers.size(), 2);
  EXPECT_EQ(got.blockers[0].text,
            "2 jobs are ahead of it, the first is 2, which waits for cpu: needs 2 cpu; 0 of 8 "
            "free; job 1 holds 8");
  EXPECT_THAT(got.blockers[0].holders, ElementsAre("p/2", "p/3"));
}

TEST(Explain, AJobThatCanNeverFit) {
  Explanation got = Explain(Strict({}, {Queued("a", Cpus(96, 1))}), "a", kNow);
  EXPECT_FALSE(got.can_ever_start);
  EXPECT_EQ(got.estimated_start, absl::InfiniteFuture());
  EXPECT_THAT(got.summary, HasSubstr("needs 96 cpu; this machine has 8 cpu"));
  EXPECT_EQ(got.smallest_change,
            "Choose a machine type of at most 8 cpu and 16 GiB, or start the server with "
            "placement: share.");
}

TEST(Explain, SharedMachineNeverSpeaksOfCpu) {
  Snapshot snapshot{
      {Cpus(2, 8), Placement::kShare}, {Running("r", Cpus(4, 15))}, {Queued("a", Cpus(4, 15))}};
  Explanation got = Explain(snapshot, "a", kNow);
  ASSERT_EQ(got.blockers.size(), 1);
  EXPECT_EQ(got.blockers[0].text, "needs 8 GiB of memory; 0 GiB of 8 GiB free; job r holds 8 GiB");
  EXPECT_EQ(got.smallest_change, "Cancel job r.");
}

}  // namespace
}  // namespace trainyard::sched
