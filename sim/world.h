// The simulated world: one machine, one server that may die and come back, clients that call it.
// One thread, one clock, one seed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/random.h"
#include "control/engine.h"
#include "model/machine_types.h"
#include "sim/checker.h"
#include "sim/options.h"
#include "sim/sim_machine.h"
#include "sim/trace.h"
#include "sim/watched_store.h"
#include "store/store.h"

namespace trainyard::sim {

// Keeps the lines; for transcripts.
class KeptLog : public control::JobLog {
 public:
  void Write(const std::string& job_id, absl::Time, bool error, const std::string& text) override {
    lines[job_id].push_back((error ? "ERROR " : "") + text);
  }
  void Remove(const std::string& job_id) override { lines.erase(job_id); }

  std::map<std::string, std::vector<std::string>> lines;
};

class World {
 public:
  explicit World(const Options& options);
  ~World();

  // Runs until nothing is left to do by then, drawing faults while `faulty`. False when a checker
  // found something.
  bool RunFor(absl::Duration duration);
  bool faulty = false;

  // The server. It comes back by itself after a crash that the world drew.
  void StartServer();
  void CrashServer();
  bool up() const { return engine_ != nullptr; }
  control::Engine& engine() { return *engine_; }

  // Clients' calls; `done` is called when there is an answer, if there ever is one.
  void Submit(control::CustomJob job,
              std::function<void(const absl::StatusOr<control::CustomJob>&)> done);
  void Cancel(const std::string& name, std::function<void(absl::Status)> done);
  void Delete(const std::string& name, std::function<void(absl::Status)> done);
  absl::StatusOr<control::CustomJob> Get(const std::string& name);

  // Nothing will happen any more: the last checks.
  void End();

  base::FakeExecutor& executor() { return executor_; }
  base::FakeClock& clock() { return clock_; }
  base::SeededRandom& random() { return random_; }
  SimMachine& machine() { return machine_; }
  Trace& trace() { return trace_; }
  const Findings& findings() const { return findings_; }
  KeptLog& log() { return log_; }
  int& failing_commits() { return failing_commits_; }
  // Jobs whose creation was answered.
  const std::vector<std::string>& created() const { return created_; }

 private:
  bool Step();
  void DrawFaults();
  store::CommitFault ChooseCommitFault();
  absl::Status ChooseReadFault();
  void AfterCrash();
  void TellRest();

  const Options options_;
  base::FakeClock clock_;
  base::FakeExecutor executor_{clock_};
  base::SeededRandom random_;
  Trace trace_;
  Findings findings_;
  std::vector<std::unique_ptr<Checker>> checkers_;
  SimMachine machine_;
  KeptLog log_;
  model::MachineCatalog catalog_;
  std::vector<std::string> created_;
  int failing_commits_ = 0;  // so many of the next fail
  bool dying_ = false;       // the server crashed in the midst of its work

  // Of the server of the time.
  std::unique_ptr<store::Store> database_;
  std::unique_ptr<WatchedStore> store_;
  std::unique_ptr<SimRuntime> runtime_;
  std::unique_ptr<control::Engine> engine_;
};

}  // namespace trainyard::sim
