#include "sim/sim_machine.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace trainyard::sim {
namespace {

using control::DesiredReplica;
using control::Observation;
using trainyard::runner::v1::ExitRecord;

const char* NameOf(Observation::Kind kind) {
  switch (kind) {
    case Observation::Kind::kRunning:
      return "running";
    case Observation::Kind::kExited:
      return "exited";
    case Observation::Kind::kFailed:
      return "failed to start";
    case Observation::Kind::kLost:
      return "lost";
    case Observation::Kind::kGone:
      return "gone";
  }
  return "?";
}

}  // namespace

SimMachine::Replica* SimMachine::Find(const std::string& id) {
  auto replica = replicas_.find(id);
  return replica == replicas_.end() ? nullptr : &replica->second;
}

void SimMachine::ByServer(absl::Duration delay, const std::string& id,
                          std::function<void(Replica&)> task) {
  executor_.PostAfter(delay, [this, life = std::weak_ptr(life_), server = server_, id, task] {
    if (life.expired() || server != server_) return;
    if (Replica* replica = Find(id)) task(*replica);
  });
}

void SimMachine::ByProcess(absl::Duration delay, const std::string& id,
                           std::function<void(Replica&)> task) {
  uint64_t process = Find(id)->process;
  executor_.PostAfter(delay, [this, life = std::weak_ptr(life_), process, id, task] {
    if (life.expired()) return;
    Replica* replica = Find(id);
    if (replica != nullptr && replica->process == process) task(*replica);
  });
}

void SimMachine::Attach(std::function<void(Observation)> observe) {
  ++server_;
  observe_ = std::move(observe);
  for (auto& [id, replica] : replicas_) {
    replica.named = replica.dropped = replica.stop_sent = false;
    replica.told_at = absl::ZeroDuration();
  }
}

void SimMachine::Detach() {
  ++server_;
  observe_ = nullptr;
}

void SimMachine::SetDesired(const std::vector<DesiredReplica>& replicas) {
  if (observe_ == nullptr) return;
  std::set<std::string> named;
  for (const DesiredReplica& desired : replicas) {
    named.insert(desired.replica_id);
    Want(desired);
  }
  for (auto& [id, replica] : replicas_) {
    if (!named.contains(id) && !replica.dropped) Drop(replica);
  }
}

void SimMachine::Want(const DesiredReplica& desired) {
  Replica* replica = Find(desired.replica_id);
  if (replica == nullptr) return Begin(desired);
  if (replica->dropped) return;
  if (!replica->named) {
    replica->named = true;
    Adopt(*replica);
  }
  if (desired.stop && bug != Bug::kStartsWhatShouldStop) Stop(*replica);
}

void SimMachine::Begin(const DesiredReplica& desired) {
  Replica& replica = replicas_[desired.replica_id];
  replica.desired = desired;
  replica.named = true;
  if (desired.stop && bug != Bug::kStartsWhatShouldStop) {
    replica.phase = Phase::kNeverRan;
    // Both ways to say it are legal.
    if (random_.Below(2) == 0) {
      return Tell(replica, Observation::Kind::kFailed, absl::CancelledError("never started"));
    }
    replica.dropped = true;
    return Remove(replica);
  }
  replica.behaviour = behave(desired);
  Prepare(replica);
}

// As if it were new: what a server before this one was told is told again.
void SimMachine::Adopt(Replica& replica) {
  switch (replica.phase) {
    case Phase::kPreparing:
    case Phase::kNeverRan:
      return Prepare(replica);
    case Phase::kRunning:
      return Tell(replica, Observation::Kind::kRunning);
    case Phase::kExited:
      if (bug == Bug::kStartsAgainWhatRan) return Prepare(replica);
      if (replica.behaviour.running_is_seen) Tell(replica, Observation::Kind::kRunning);
      return Tell(replica, Observation::Kind::kExited);
    case Phase::kLost:
      return Tell(replica, Observation::Kind::kLost);
    case Phase::kRemoving:
      replica.phase = Phase::kNeverRan;
      return Tell(replica, Observation::Kind::kFailed, absl::CancelledError("being removed"));
  }
}

void SimMachine::Prepare(Replica& replica) {
  replica.phase = Phase::kPreparing;
  ByServer(replica.behaviour.prepare, replica.desired.replica_id, [this](Replica& prepared) {
    if (prepared.phase != Phase::kPreparing) return;
    if (prepared.behaviour.start_failure.ok()) return StartProcess(prepared);
    prepared.phase = Phase::kNeverRan;
    Tell(prepared, Observation::Kind::kFailed, prepared.behaviour.start_failure);
  });
}

void SimMachine::StartProcess(Replica& replica) {
  const std::string& id = replica.desired.replica_id;
  trace_.Say(absl::StrCat(id, " process starts"));
  replica.phase = Phase::kRunning;
  replica.process = next_process_++;
  replica.alive = true;
  replica.started = clock_.Now();
  for (auto& checker : checkers_) checker->OnProcessStart(replica.desired);
  if (replica.behaviour.running_is_seen) Tell(replica, Observation::Kind::kRunning);
  ByProcess(replica.behaviour.run, id, [this](Replica& ended) {
    if (ended.phase != Phase::kRunning) return;
    if (ended.behaviour.lost) return Vanish(ended);
    EndProcess(ended, ended.behaviour.exit);
  });
}

void SimMachine::Stop(Replica& replica) {
  if (replica.stop_sent) return;
  replica.stop_sent = true;
  if (replica.phase == Phase::kPreparing) {
    replica.phase = Phase::kNeverRan;
    return Tell(replica, Observation::Kind::kFailed, absl::CancelledError("stopped"));
  }
  if (replica.phase != Phase::kRunning) return;
  const Behaviour& behaviour = replica.behaviour;
  bool obeys = !behaviour.ignores_sigterm && behaviour.stop_takes < replica.desired.stop_grace;
  ExitRecord exit;
  exit.set_stage("run");
  exit.set_exit_code(obeys ? behaviour.stop_exit_code : 137);
  exit.set_signal(obeys ? 0 : 9);
  ByProcess(obeys ? behaviour.stop_takes : replica.desired.stop_grace, replica.desired.replica_id,
            [this, exit](Replica& stopped) {
              if (stopped.phase == Phase::kRunning) EndProcess(stopped, exit);
            });
}

// The runner writes its record and ends; nothing of the replica lives any more.
void SimMachine::EndProcess(Replica& replica, ExitRecord exit) {
  trace_.Say(absl::StrCat(replica.desired.replica_id, " process exits with ", exit.exit_code()));
  for (auto& checker : checkers_) checker->OnProcessExit(replica.desired, exit.exit_code());
  exit.set_started_unix_us(absl::ToUnixMicros(replica.started));
  exit.set_ended_unix_us(absl::ToUnixMicros(clock_.Now()));
  if (bug == Bug::kTellsFailureAsSuccess) exit.set_exit_code(0);
  replica.exit = std::move(exit);
  replica.phase = Phase::kExited;
  Bury(replica);
  if (!replica.named || replica.dropped || bug == Bug::kForgetsExits) return;
  Tell(replica, Observation::Kind::kExited);
}

// The runner dies; the user's process lives until somebody kills it.
void SimMachine::Vanish(Replica& replica) {
  trace_.Say(absl::StrCat(replica.desired.replica_id, " runner vanishes"));
  replica.phase = Phase::kLost;
  if (replica.named && !replica.dropped) Tell(replica, Observation::Kind::kLost);
}

void SimMachine::Bury(Replica& replica) {
  if (!replica.alive) return;
  replica.alive = false;
  for (auto& checker : checkers_) checker->OnProcessEnd(replica.desired);
}

void SimMachine::Drop(Replica& replica) {
  replica.named = replica.dropped = true;
  if (bug == Bug::kLeavesTraces) return;
  if (!replica.alive) return Remove(replica);
  if (bug == Bug::kGoneTooEarly) Tell(replica, Observation::Kind::kGone);
  replica.phase = Phase::kRemoving;
  ByServer(replica.behaviour.kill_takes, replica.desired.replica_id, [this](Replica& killed) {
    if (killed.alive) trace_.Say(absl::StrCat(killed.desired.replica_id, " process is killed"));
    Bury(killed);
    Remove(killed);
  });
}

void SimMachine::Remove(Replica& replica) {
  replica.phase = Phase::kRemoving;
  ByServer(replica.behaviour.removal, replica.desired.replica_id, [this](Replica& removed) {
    Observation gone{.kind = Observation::Kind::kGone,
                     .replica_id = removed.desired.replica_id,
                     .time = clock_.Now()};
    replicas_.erase(gone.replica_id);
    Deliver(DrawDuration(random_, observation_delay_max), std::move(gone));
  });
}

// In order for each replica; a repeated one may come at any time later.
void SimMachine::Tell(Replica& replica, Observation::Kind kind, absl::Status failure) {
  if (observe_ == nullptr) return;  // the next server is told when it names the replica
  Observation observation{.kind = kind,
                          .replica_id = replica.desired.replica_id,
                          .time = clock_.Now(),
                          .exit = replica.exit,
                          .failure = std::move(failure)};
  if (kind == Observation::Kind::kRunning) observation.time = replica.started;
  absl::Duration now = clock_.Monotonic();
  replica.told_at = std::max(replica.told_at, now + DrawDuration(random_, observation_delay_max));
  if (DrawChance(random_, duplicates_per_thousand)) {
    Deliver(replica.told_at - now + DrawDuration(random_, absl::Minutes(1)), observation);
  }
  Deliver(replica.told_at - now, std::move(observation));
}

void SimMachine::Deliver(absl::Duration delay, Observation observation) {
  executor_.PostAfter(delay, [this, life = std::weak_ptr(life_), server = server_, observation] {
    if (life.expired() || server != server_) return;
    trace_.Say(absl::StrCat(observation.replica_id, " observed ", NameOf(observation.kind)));
    observe_(observation);
  });
}

std::string SimMachine::Describe() const {
  constexpr const char* kPhases[] = {"preparing", "running",   "exited",
                                     "lost",      "never ran", "removing"};
  std::string text;
  for (const auto& [id, replica] : replicas_) {
    absl::StrAppend(&text, id, " ", kPhases[static_cast<int>(replica.phase)], "\n");
  }
  return text;
}

absl::Status SimRuntime::Start(absl::AnyInvocable<void(Observation)> observe) {
  auto shared = std::make_shared<absl::AnyInvocable<void(Observation)>>(std::move(observe));
  machine_.Attach([shared](Observation observation) { (*shared)(std::move(observation)); });
  return absl::OkStatus();
}

}  // namespace trainyard::sim
