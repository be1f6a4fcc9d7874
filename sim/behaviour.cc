#include "sim/behaviour.h"

namespace trainyard::sim {
namespace {

constexpr int kSigkill = 9;
constexpr int kSignalBase = 128;

void DrawExit(base::SeededRandom& random, const BehaviourOdds& odds, Behaviour& behaviour) {
  constexpr int kTransient[] = {6, 11, 134, 139};
  auto& exit = behaviour.exit;
  exit.set_stage("run");
  if (DrawChance(random, odds.exits_badly)) {
    exit.set_exit_code(static_cast<int>(1 + random.Below(5)));
    exit.set_stderr_tail("Traceback\nValueError: drawn");
  } else if (DrawChance(random, odds.exits_transient)) {
    exit.set_exit_code(kTransient[random.Below(std::size(kTransient))]);
  } else if (DrawChance(random, odds.out_of_memory)) {
    exit.set_out_of_memory(true);
    exit.set_signal(kSigkill);
    exit.set_exit_code(kSignalBase + kSigkill);
  }
}

}  // namespace

bool DrawChance(base::SeededRandom& random, uint64_t per_thousand) {
  return random.Below(1000) < per_thousand;
}

absl::Duration DrawDuration(base::SeededRandom& random, absl::Duration bound) {
  uint64_t micros = static_cast<uint64_t>(absl::ToInt64Microseconds(bound));
  return micros == 0 ? absl::ZeroDuration()
                     : absl::Microseconds(static_cast<int64_t>(random.Below(micros)));
}

Behaviour DrawBehaviour(base::SeededRandom& random, const BehaviourOdds& odds) {
  Behaviour behaviour;
  behaviour.prepare = DrawDuration(random, absl::Seconds(random.Below(4) == 0 ? 60 : 1));
  behaviour.run = DrawDuration(random, absl::Seconds(random.Below(2) == 0 ? 120 : 2));
  if (DrawChance(random, odds.hangs)) behaviour.run = absl::Hours(1);
  behaviour.kill_takes = DrawDuration(random, absl::Seconds(1));
  behaviour.removal = DrawDuration(random, absl::Seconds(random.Below(8) == 0 ? 30 : 1));
  behaviour.stop_takes = DrawDuration(random, absl::Seconds(20));
  behaviour.stop_exit_code = random.Below(2) == 0 ? 143 : 0;
  behaviour.ignores_sigterm = DrawChance(random, odds.ignores_sigterm);
  behaviour.lost = DrawChance(random, odds.loses_runner);
  behaviour.running_is_seen = !DrawChance(random, odds.exit_comes_first);
  if (DrawChance(random, odds.start_fails)) {
    behaviour.start_failure = absl::NotFoundError("the image is not in the catalogue");
  } else if (DrawChance(random, odds.start_falters)) {
    behaviour.start_failure = absl::UnavailableError("the registry does not answer");
  }
  DrawExit(random, odds, behaviour);
  return behaviour;
}

}  // namespace trainyard::sim
