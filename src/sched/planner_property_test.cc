// Properties that hold for every snapshot, on some thousands drawn by seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "sched/planner.h"

namespace trainyard::sched {
namespace {

constexpr uint64_t kSeeds = 3000;
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

int64_t Draw(base::SeededRandom& random, uint64_t bound) {
  return static_cast<int64_t>(random.Below(bound));
}

Snapshot DrawSnapshot(uint64_t seed) {
  base::SeededRandom random(seed);
  Snapshot snapshot;
  snapshot.machine.placement = random.Below(2) == 0 ? Placement::kShare : Placement::kStrict;
  snapshot.machine.capacity = {1000 * (1 + Draw(random, 16)), 100 * (1 + Draw(random, 16))};
  Need free = snapshot.machine.capacity;
  for (int64_t i = Draw(random, 8); i > 0; --i) {
    Need need{100 * Draw(random, 60), 10 * Draw(random, 60)};
    Need counted = CountedNeed(snapshot.machine, need);
    if (counted.cpu_milli > free.cpu_milli || counted.memory_bytes > free.memory_bytes) continue;
    free = {free.cpu_milli - counted.cpu_milli, free.memory_bytes - counted.memory_bytes};
    absl::Time deadline = kNow + absl::Seconds(Draw(random, 1000));
    snapshot.running.push_back({absl::StrCat("r", i), need, kNow - absl::Seconds(1), deadline});
  }
  for (int64_t i = Draw(random, 12); i > 0; --i) {
    snapshot.queued.push_back({absl::StrCat("q", i),
                               {100 * Draw(random, 100), 10 * Draw(random, 120)},
                               kNow,
                               0,
                               absl::Seconds(Draw(random, 1000))});
  }
  return snapshot;
}

bool FitsMachine(const Snapshot& snapshot) {
  Need free = FreeOf(snapshot);
  return free.cpu_milli >= 0 && free.memory_bytes >= 0;
}

Snapshot WithPlanApplied(Snapshot snapshot, const Plan& plan) {
  for (const std::string& name : plan.placed) {
    auto job = std::find_if(snapshot.queued.begin(), snapshot.queued.end(),
                            [&](const QueuedJob& queued) { return queued.name == name; });
    snapshot.running.push_back({name, job->need, kNow, kNow + job->timeout});
    snapshot.queued.erase(job);
  }
  return snapshot;
}

void EndJob(Snapshot& snapshot, const std::string& name) {
  std::erase_if(snapshot.running, [&](const RunningJob& job) { return job.name == name; });
  std::erase_if(snapshot.queued, [&](const QueuedJob& job) { return job.name == name; });
}

bool Starts(const Snapshot& snapshot, const std::string& name) {
  Plan plan = MakePlan(snapshot, kNow);
  return std::find(plan.placed.begin(), plan.placed.end(), name) != plan.placed.end();
}

TEST(PlannerProperty, CapacityIsNeverExceeded) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Snapshot snapshot = DrawSnapshot(seed);
    ASSERT_TRUE(FitsMachine(WithPlanApplied(snapshot, MakePlan(snapshot, kNow)))) << seed;
  }
}

TEST(PlannerProperty, ASecondPassPlacesNothing) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Snapshot snapshot = DrawSnapshot(seed);
    Snapshot after = WithPlanApplied(snapshot, MakePlan(snapshot, kNow));
    ASSERT_TRUE(MakePlan(after, kNow).placed.empty()) << seed;
  }
}

// What is placed is the front of the queue, those that can never fit left out.
TEST(PlannerProperty, FirstInFirstOut) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Snapshot snapshot = DrawSnapshot(seed);
    Plan plan = MakePlan(snapshot, kNow);
    std::set<std::string> never(plan.never.begin(), plan.never.end());
    std::vector<std::string> order;
    for (const QueuedJob& job : snapshot.queued) {
      if (!never.contains(job.name)) order.push_back(job.name);
    }
    ASSERT_LE(plan.placed.size(), order.size()) << seed;
    ASSERT_TRUE(std::equal(plan.placed.begin(), plan.placed.end(), order.begin())) << seed;
    bool waits = plan.placed.size() < order.size();
    ASSERT_EQ(waits, !plan.head_blockers.empty()) << seed;
  }
}

TEST(PlannerProperty, OrderOfTheRunningMakesNoDifference) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Snapshot snapshot = DrawSnapshot(seed);
    Plan plan = MakePlan(snapshot, kNow);
    std::reverse(snapshot.running.begin(), snapshot.running.end());
    Plan reversed = MakePlan(snapshot, kNow);
    ASSERT_EQ(plan.placed, reversed.placed) << seed;
    ASSERT_EQ(plan.head_blockers.size(), reversed.head_blockers.size()) << seed;
    for (size_t i = 0; i < plan.head_blockers.size(); ++i) {
      ASSERT_EQ(plan.head_blockers[i].text, reversed.head_blockers[i].text) << seed;
    }
  }
}

TEST(PlannerProperty, AFrontOfTheQueueGivesAFrontOfThePlan) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Snapshot snapshot = DrawSnapshot(seed);
    Plan whole = MakePlan(snapshot, kNow);
    snapshot.queued.resize(snapshot.queued.size() / 2);
    Plan part = MakePlan(snapshot, kNow);
    ASSERT_LE(part.placed.size(), whole.placed.size()) << seed;
    ASSERT_TRUE(std::equal(part.placed.begin(), part.placed.end(), whole.placed.begin())) << seed;
  }
}

// Each waiting job of a snapshot after its plan: what Explain asks for is enough.
TEST(PlannerProperty, TheSmallestChangeStartsTheJob) {
  int changes = 0, smaller = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Snapshot drawn = DrawSnapshot(seed);
    Snapshot snapshot = WithPlanApplied(drawn, MakePlan(drawn, kNow));
    for (const QueuedJob& job : snapshot.queued) {
      Explanation got = Explain(snapshot, job.name, kNow);
      if (!got.can_ever_start) continue;
      ASSERT_FALSE(got.change.end.empty()) << seed;
      Snapshot changed = snapshot;
      for (const std::string& name : got.change.end) EndJob(changed, name);
      ASSERT_TRUE(Starts(changed, job.name)) << seed << " " << got.smallest_change;
      ++changes;
      for (const std::string& spared : got.change.end) {
        Snapshot fewer = snapshot;
        for (const std::string& name : got.change.end) {
          if (name != spared) EndJob(fewer, name);
        }
        ASSERT_FALSE(Starts(fewer, job.name)) << seed << " " << spared << " need not end";
      }
      if (!got.change.may_ask_less) continue;
      changed = snapshot;
      for (QueuedJob& queued : changed.queued) {
        if (queued.name == job.name) queued.need = got.change.ask_at_most;
      }
      ASSERT_TRUE(Starts(changed, job.name)) << seed << " " << got.smallest_change;
      ++smaller;
    }
  }
  EXPECT_GT(changes, 1000);
  EXPECT_GT(smaller, 100);
}

TEST(PlannerProperty, ExplanationAgreesWithThePlan) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Snapshot snapshot = DrawSnapshot(seed);
    for (const QueuedJob& job : snapshot.queued) {
      Explanation got = Explain(snapshot, job.name, kNow);
      ASSERT_EQ(Starts(snapshot, job.name), got.can_ever_start && got.blockers.empty()) << seed;
      ASSERT_GE(got.estimated_start, kNow) << seed;
    }
  }
}

}  // namespace
}  // namespace trainyard::sched
