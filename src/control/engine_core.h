// The engine's thread: takes commands, commits them together, tells the runtime and the callers.
//
// Tasks on the executor hold it weakly: an engine that is gone leaves nothing behind that runs.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "control/batch.h"
#include "control/command.h"
#include "control/command_queue.h"
#include "control/engine.h"
#include "control/job_view.h"
#include "control/live_jobs.h"

namespace trainyard::control {

class EngineCore : public std::enable_shared_from_this<EngineCore> {
 public:
  EngineCore(Engine::Dependencies dependencies, EngineOptions options);

  absl::Status Start() EXCLUDES(working_);
  // Refuses all that waits. Returns when the engine's thread has left.
  void Close() EXCLUDES(working_);
  // Threads: any.
  void Submit(std::unique_ptr<Command> command);
  absl::StatusOr<CustomJob> GetCustomJob(const std::string& name);

 private:
  using Commands = std::deque<std::unique_ptr<Command>>;
  using Step = void (EngineCore::*)();

  // Has the engine's thread take `step`, unless the engine is closed by then.
  void Post(Step step);
  void PostAfter(absl::Duration delay, Step step);

  void Come() EXCLUDES(working_);      // there are commands
  void Continue() EXCLUDES(working_);  // a plan is due, or a failed commit is tried again
  void EndWait(uint64_t gathering) EXCLUDES(working_);

  absl::Status Load() REQUIRES(working_);
  void TakeCommands() REQUIRES(working_);
  void Process(Commands commands) REQUIRES(working_);
  void Plan(Batch& batch) REQUIRES(working_);
  void Finish(Batch& batch, Commands commands) REQUIRES(working_);
  void TellWorld(Batch& batch) REQUIRES(working_);
  void FailCommit(Batch& batch, Commands commands, const absl::Status& status) REQUIRES(working_);
  void KeepTimers(const LiveJob& job) REQUIRES(working_);
  void DropTimer(const std::string& name) REQUIRES(working_);
  Moment ReadClock() const;

  const Engine::Dependencies dependencies_;
  const EngineOptions options_;
  CommandQueue queue_;
  JobView view_;

  base::Mutex working_;  // held by whoever does the engine's work, so that Close can wait for it
  bool closed_ GUARDED_BY(working_) = false;
  LiveJobs jobs_ GUARDED_BY(working_);
  // Must happen, but could not be committed yet; in order.
  Commands backlog_ GUARDED_BY(working_);
  absl::Duration retry_delay_ GUARDED_BY(working_) = absl::ZeroDuration();
  absl::Duration retry_at_ GUARDED_BY(working_) = -absl::InfiniteDuration();
  absl::Duration planned_at_ GUARDED_BY(working_) = -absl::InfiniteDuration();
  bool plan_posted_ GUARDED_BY(working_) = false;
  // By job: its deadline, and the timer that watches it.
  std::map<std::string, std::pair<absl::Time, uint64_t>> timers_ GUARDED_BY(working_);
};

}  // namespace trainyard::control
