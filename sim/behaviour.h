// How one simulated replica will behave: drawn from the seed, or told by a script.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/random.h"
#include "trainyard/runner/v1/runner.pb.h"

namespace trainyard::sim {

// The likelihoods are per thousand.
struct BehaviourOdds {
  uint64_t start_fails = 0;      // for good
  uint64_t start_falters = 0;    // UNAVAILABLE: another attempt may do better
  uint64_t exits_badly = 0;      // a plain exit code
  uint64_t exits_transient = 0;  // 6, 11, 134, 139
  uint64_t out_of_memory = 0;
  uint64_t loses_runner = 0;  // the supervisor vanishes, the process lives on
  uint64_t ignores_sigterm = 0;
  uint64_t hangs = 0;             // runs for an hour
  uint64_t exit_comes_first = 0;  // nobody saw it running
};

struct Behaviour {
  absl::Duration prepare = absl::Milliseconds(20);
  absl::Status start_failure;  // OK: it starts
  absl::Duration run = absl::Seconds(10);
  bool lost = false;
  bool running_is_seen = true;
  trainyard::runner::v1::ExitRecord exit;
  bool ignores_sigterm = false;
  absl::Duration stop_takes = absl::Milliseconds(100);  // from SIGTERM to the exit
  int stop_exit_code = 143;
  absl::Duration kill_takes = absl::Milliseconds(10);  // from SIGKILL to the last process gone
  absl::Duration removal = absl::Milliseconds(20);
};

Behaviour DrawBehaviour(base::SeededRandom& random, const BehaviourOdds& odds);

// Uniform in [0, bound).
absl::Duration DrawDuration(base::SeededRandom& random, absl::Duration bound);

// True so often out of a thousand.
bool DrawChance(base::SeededRandom& random, uint64_t per_thousand);

}  // namespace trainyard::sim
