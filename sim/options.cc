#include "sim/options.h"

#include "base/random.h"

namespace trainyard::sim {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

// Half of the runs know nothing of a given fault; in the others it is rare or frequent.
uint64_t DrawOdds(base::SeededRandom& random, uint64_t bound) {
  return random.Below(2) == 0 ? 0 : random.Below(random.Below(4) == 0 ? bound : bound / 10 + 1);
}

}  // namespace

Options DrawOptions(uint64_t seed) {
  base::SeededRandom random(seed ^ 0x5eed0f0a11f00d5u);
  Options options;
  options.seed = seed;
  options.machine.placement =
      random.Below(2) == 0 ? sched::Placement::kShare : sched::Placement::kStrict;
  options.machine.capacity = {static_cast<int64_t>(1 + random.Below(16)) * 1000,
                              static_cast<int64_t>(1 + random.Below(64)) * kGiB};
  options.jobs = static_cast<int>(1 + random.Below(40));
  options.chaos = absl::Minutes(1 + static_cast<int64_t>(random.Below(15)));
  options.cancels_per_thousand = DrawOdds(random, 500);
  options.faults.commit_fails = DrawOdds(random, 300);
  options.faults.commit_crashes_before = DrawOdds(random, 100);
  options.faults.commit_crashes_after = DrawOdds(random, 100);
  options.faults.read_fails = DrawOdds(random, 200);
  options.faults.server_crashes = DrawOdds(random, 20);
  options.faults.clock_jumps = DrawOdds(random, 20);
  options.behaviour = {.start_fails = DrawOdds(random, 200),
                       .start_falters = DrawOdds(random, 500),
                       .exits_badly = DrawOdds(random, 500),
                       .exits_transient = DrawOdds(random, 700),
                       .out_of_memory = DrawOdds(random, 200),
                       .loses_runner = DrawOdds(random, 500),
                       .ignores_sigterm = DrawOdds(random, 500),
                       .hangs = DrawOdds(random, 300),
                       .exit_comes_first = DrawOdds(random, 300)};
  options.observation_delay_max =
      random.Below(2) == 0 ? absl::ZeroDuration() : DrawDuration(random, absl::Seconds(5));
  options.duplicates_per_thousand = DrawOdds(random, 500);
  return options;
}

}  // namespace trainyard::sim
