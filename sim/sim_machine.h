// The machine that replicas run on, as far as control can tell: processes that outlive the server,
// and the part of the runtime that dies with it.
//
// Everything is a task on the one executor. What the server does is done by the server of the time:
// after Detach its tasks do nothing. Processes go on whoever is there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/random.h"
#include "control/runtime.h"
#include "sim/behaviour.h"
#include "sim/bug.h"
#include "sim/checker.h"
#include "sim/trace.h"

namespace trainyard::sim {

class SimMachine {
 public:
  SimMachine(base::FakeClock& clock, base::Executor& executor, base::SeededRandom& random,
             Trace& trace, std::vector<std::unique_ptr<Checker>>& checkers)
      : clock_(clock),
        executor_(executor),
        random_(random),
        trace_(trace),
        checkers_(checkers),
        life_(std::make_shared<int>()) {}

  // How the next replica that starts behaves.
  std::function<Behaviour(const control::DesiredReplica&)> behave;
  // Observations come so late at most, and so many out of a thousand come again.
  absl::Duration observation_delay_max = absl::ZeroDuration();
  uint64_t duplicates_per_thousand = 0;
  Bug bug = Bug::kNone;

  // A server begins; `observe` is its ear.
  void Attach(std::function<void(control::Observation)> observe);
  // It is gone.
  void Detach();
  void SetDesired(const std::vector<control::DesiredReplica>& replicas);

  // Replicas of which there is a trace.
  size_t replicas() const { return replicas_.size(); }
  // A line for each: "NAME phase".
  std::string Describe() const;

 private:
  enum class Phase { kPreparing, kRunning, kExited, kLost, kNeverRan, kRemoving };
  struct Replica {
    control::DesiredReplica desired;
    Behaviour behaviour;
    Phase phase = Phase::kPreparing;
    bool named = false;    // this server knows it
    bool dropped = false;  // and wants it no more
    bool stop_sent = false;
    bool alive = false;    // a process of it lives
    uint64_t process = 0;  // names its process
    absl::Time started;
    trainyard::runner::v1::ExitRecord exit;
    absl::Duration told_at;  // the last observation's
  };

  Replica* Find(const std::string& id);
  // Runs `task` after `delay` if the same server is there and the replica still has traces.
  void ByServer(absl::Duration delay, const std::string& id, std::function<void(Replica&)> task);
  void ByProcess(absl::Duration delay, const std::string& id, std::function<void(Replica&)> task);

  void Want(const control::DesiredReplica& desired);
  void Begin(const control::DesiredReplica& desired);
  void Adopt(Replica& replica);
  void Prepare(Replica& replica);
  void StartProcess(Replica& replica);
  void Stop(Replica& replica);
  void EndProcess(Replica& replica, trainyard::runner::v1::ExitRecord exit);
  void Vanish(Replica& replica);
  void Bury(Replica& replica);  // its last process is gone
  void Drop(Replica& replica);
  void Remove(Replica& replica);

  void Tell(Replica& replica, control::Observation::Kind kind, absl::Status failure = {});
  void Deliver(absl::Duration delay, control::Observation observation);

  base::FakeClock& clock_;
  base::Executor& executor_;
  base::SeededRandom& random_;
  Trace& trace_;
  std::vector<std::unique_ptr<Checker>>& checkers_;
  std::map<std::string, Replica> replicas_;
  std::function<void(control::Observation)> observe_;
  uint64_t server_ = 0;  // names the server of the time
  uint64_t next_process_ = 1;
  std::shared_ptr<int> life_;  // tasks that outlive the machine do nothing
};

// What one server sees of the machine.
class SimRuntime : public control::Runtime {
 public:
  explicit SimRuntime(SimMachine& machine) : machine_(machine) {}
  absl::Status Start(absl::AnyInvocable<void(control::Observation)> observe) override;
  void SetDesired(std::vector<control::DesiredReplica> replicas) override {
    machine_.SetDesired(replicas);
  }
  absl::Status CheckImage(const std::string&) override { return absl::OkStatus(); }

 private:
  SimMachine& machine_;
};

}  // namespace trainyard::sim
