#include "sched/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trainyard::sched {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kGiB = int64_t{1} << 30;
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

Need Cpus(int64_t cpus, int64_t gibibytes) { return {cpus * 1000, gibibytes * kGiB}; }

RunningJob Running(std::string name, Need need) {
  return {std::move(name), need, kNow - absl::Minutes(1), kNow + absl::Hours(1)};
}

QueuedJob Queued(std::string name, Need need) { return {std::move(name), need, kNow}; }

struct PlanCase {
  const char* name;
  Placement placement;
  std::vector<RunningJob> running;
  std::vector<QueuedJob> queued;
  std::vector<std::string> placed;
  std::vector<std::string> never;
  std::vector<std::string> blocked_by;  // resources
};

// A machine of 8 cpu and 16 GiB.
const PlanCase kPlanCases[] = {
    {"nothing to do", Placement::kStrict, {}, {}, {}, {}, {}},
    {"one fits", Placement::kStrict, {}, {Queued("a", Cpus(8, 16))}, {"a"}, {}, {}},
    {"several fit, in order",
     Placement::kStrict,
     {},
     {Queued("b", Cpus(4, 8)), Queued("a", Cpus(4, 8))},
     {"b", "a"},
     {},
     {}},
    {"cpu is short",
     Placement::kStrict,
     {Running("r", Cpus(6, 1))},
     {Queued("a", Cpus(4, 1))},
     {},
     {},
     {"cpu"}},
    {"memory is short",
     Placement::kStrict,
     {Running("r", Cpus(1, 12))},
     {Queued("a", Cpus(1, 8))},
     {},
     {},
     {"memory"}},
    {"both are short",
     Placement::kStrict,
     {Running("r", Cpus(6, 12))},
     {Queued("a", Cpus(4, 8))},
     {},
     {},
     {"cpu", "memory"}},
    {"nothing overtakes the head",
     Placement::kStrict,
     {Running("r", Cpus(6, 1))},
     {Queued("big", Cpus(4, 1)), Queued("small", Cpus(1, 1))},
     {},
     {},
     {"cpu"}},
    {"what can never fit blocks nobody",
     Placement::kStrict,
     {},
     {Queued("huge", Cpus(96, 1)), Queued("a", Cpus(1, 1)), Queued("wide", Cpus(1, 64))},
     {"a"},
     {"huge", "wide"},
     {}},
    {"shared: cpu limits nothing",
     Placement::kShare,
     {Running("r", Cpus(8, 2))},
     {Queued("a", Cpus(8, 2)), Queued("b", Cpus(96, 2))},
     {"a", "b"},
     {},
     {}},
    {"shared: memory counts as what the machine has",
     Placement::kShare,
     {},
     {Queued("huge", Cpus(96, 640)), Queued("b", Cpus(1, 1))},
     {"huge"},
     {},
     {"memory"}},
    {"shared: memory is real",
     Placement::kShare,
     {Running("r", Cpus(1, 10))},
     {Queued("a", Cpus(1, 7))},
     {},
     {},
     {"memory"}},
    {"the machine shrank",
     Placement::kStrict,
     {Running("r", Cpus(9, 20))},
     {Queued("a", Cpus(1, 1))},
     {},
     {},
     {"cpu", "memory"}},
    {"a job that needs nothing starts even then",
     Placement::kStrict,
     {Running("r", Cpus(9, 20))},
     {Queued("a", Cpus(0, 0))},
     {"a"},
     {},
     {}},
};

TEST(Planner, Table) {
  for (const PlanCase& c : kPlanCases) {
    SCOPED_TRACE(c.name);
    Plan plan = MakePlan({{Cpus(8, 16), c.placement}, c.running, c.queued}, kNow);
    EXPECT_EQ(plan.placed, c.placed);
    EXPECT_EQ(plan.never, c.never);
    std::vector<std::string> resources;
    for (const Blocker& blocker : plan.head_blockers) resources.push_back(blocker.resource);
    EXPECT_EQ(resources, c.blocked_by);
  }
}

TEST(Planner, BlockersCarryNumbersAndHolders) {
  Plan plan = MakePlan({{Cpus(8, 16), Placement::kStrict},
                        {Running("j/1", Cpus(2, 0)), Running("j/2", Cpus(4, 0))},
                        {Queued("j/3", {1500, 0}), Queued("j/4", Cpus(4, 0))}},
                       kNow);
  ASSERT_EQ(plan.head_blockers.size(), 1);
  const Blocker& cpu = plan.head_blockers[0];
  EXPECT_EQ(cpu.text, "needs 4 cpu; 0.5 of 8 free; job 2 holds 4, 2 other jobs the rest");
  EXPECT_EQ(cpu.needed, 4000);
  EXPECT_EQ(cpu.free, 500);
  EXPECT_EQ(cpu.capacity, 8000);
  EXPECT_THAT(cpu.holders, ElementsAre("j/2", "j/1", "j/3"));
}

TEST(Planner, WhyNeverSaysWhatToChange) {
  const struct {
    Placement placement;
    Need need;
    const char* says;
  } kCases[] = {
      {Placement::kStrict, Cpus(8, 16), ""},
      {Placement::kShare, Cpus(96, 640), ""},
      {Placement::kStrict, Cpus(96, 1), "needs 96 cpu; this machine has 8 cpu in all"},
      {Placement::kStrict, Cpus(1, 64), "needs 64 GiB; this machine has 16 GiB in all"},
      {Placement::kStrict, Cpus(9, 17),
       "needs 9 cpu and 17 GiB; this machine has 8 cpu and 16 GiB"},
      {Placement::kStrict, Cpus(9, 1), "at most 8 cpu and 16 GiB, or start the server with"},
  };
  for (const auto& c : kCases) {
    std::string why = WhyNever({Cpus(8, 16), c.placement}, c.need);
    EXPECT_THAT(why, HasSubstr(c.says));
    EXPECT_EQ(why.empty(), absl::string_view(c.says).empty()) << why;
  }
}

TEST(Planner, FreeIsWhatNobodyCountsFor) {
  Snapshot snapshot{{Cpus(8, 16), Placement::kStrict}, {Running("r", Cpus(3, 20))}, {}};
  EXPECT_EQ(FreeOf(snapshot).cpu_milli, 5000);
  EXPECT_EQ(FreeOf(snapshot).memory_bytes, -4 * kGiB);
  snapshot.machine.placement = Placement::kShare;
  EXPECT_EQ(FreeOf(snapshot).cpu_milli, 8000);
  EXPECT_EQ(FreeOf(snapshot).memory_bytes, 0);
}

}  // namespace
}  // namespace trainyard::sched
