// What one run is made of: drawn from its seed, the faults too, so that each run leans another way.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "sched/planner.h"
#include "sim/behaviour.h"
#include "sim/bug.h"

namespace trainyard::sim {

// Likelihoods are per thousand, of commits where it says so, else of steps.
struct Faults {
  uint64_t commit_fails = 0;           // of commits: nothing happens, an error is told
  uint64_t commit_crashes_before = 0;  // of commits: the server dies, nothing is written
  uint64_t commit_crashes_after = 0;   // of commits: all is written, nobody is told
  uint64_t read_fails = 0;             // of reads of the store
  uint64_t server_crashes = 0;
  uint64_t clock_jumps = 0;
};

struct Options {
  uint64_t seed = 1;
  sched::Machine machine;
  absl::Duration chaos = absl::Minutes(10);  // then faults stop and everything must end
  int jobs = 20;
  uint64_t cancels_per_thousand = 100;  // of the calls that are no submissions
  Faults faults;
  BehaviourOdds behaviour;
  absl::Duration observation_delay_max = absl::ZeroDuration();
  uint64_t duplicates_per_thousand = 0;
  Bug bug = Bug::kNone;
  bool print = false;
  std::string directory;  // of the database; empty, and left empty
};

Options DrawOptions(uint64_t seed);

}  // namespace trainyard::sim
