// Runner processes: their start, their identity, and word of what they do.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/disk.h"
#include "base/process.h"

namespace trainyard::runtime {

// Threads: any.
class Runners {
 public:
  virtual ~Runners() = default;
  // `directory` is complete. The runner outlives this process.
  virtual absl::StatusOr<base::ProcessIdentity> Start(const std::string& directory) = 0;

  struct Found {
    enum class State {
      kNeverRan,  // and never will: a runner that comes late finds its lock void
      kRuns,
      kEnded,
    };
    State state = State::kNeverRan;
    base::ProcessIdentity runner;
  };
  // Who runs, or ran, in `directory`. A process is the runner only when pid, start time and boot
  // are those in its lock, and the lock is held.
  virtual absl::StatusOr<Found> Find(const std::string& directory) = 0;

  // Calls `changed` (on any thread, at least once, maybe too often) after a record has appeared in
  // `directory` and after the runner has ended, until Unwatch.
  virtual void Watch(const std::string& directory, const base::ProcessIdentity& runner,
                     std::function<void()> changed) = 0;
  virtual void Unwatch(const std::string& directory) = 0;
  virtual bool IsAlive(const base::ProcessIdentity& runner) = 0;
  // Kills the runner in `directory`, if one runs, and waits until it and what it was about to start
  // have ended: afterwards only what runs in the replica's cgroups is left. DEADLINE_EXCEEDED: try
  // again.
  virtual absl::Status Kill(const std::string& directory) = 0;
  // SIGTERM stops its job with grace.
  virtual absl::Status Signal(const base::ProcessIdentity& runner, int signal) = 0;
};

// `processes` and `disk` outlive it.
std::unique_ptr<Runners> CreateRealRunners(base::Processes& processes, base::Disk& disk,
                                           std::string runner_path);

}  // namespace trainyard::runtime
