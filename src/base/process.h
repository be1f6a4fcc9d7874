// Child processes and the identity of processes that outlive us.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace trainyard::base {

struct Command {
  std::vector<std::string> argv;         // argv[0] is looked up in PATH
  std::vector<std::string> environment;  // "NAME=value"; exactly these, nothing is inherited
  std::string working_directory;         // empty: "/"
  std::string input;                     // standard input of Run; Start reads /dev/null
  std::string output_path;  // Start: stdout and stderr are appended here; empty: /dev/null
  absl::Duration timeout = absl::InfiniteDuration();  // Run: SIGKILL of the process group after it
};

struct CommandResult {
  int exit_code = 0;  // 128 + signal when a signal ended it
  bool timed_out = false;
  std::string output;  // stdout, its last 1 MiB
  std::string error;   // stderr, its last 1 MiB
};

// Names one process for ever: a pid is reused, this is not.
struct ProcessIdentity {
  std::string boot_id;  // /proc/sys/kernel/random/boot_id
  pid_t pid = 0;
  uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat

  bool operator==(const ProcessIdentity&) const = default;
};

// Threads: any.
class Processes {
 public:
  virtual ~Processes() = default;
  // Runs to the end of the command itself: what it leaves in the background is not waited for. A
  // non-zero exit is an OK result; the error is for what could not be started.
  virtual absl::StatusOr<CommandResult> Run(const Command& command) = 0;
  // Starts in a session of its own, with every descriptor above 2 closed, and does not wait. It
  // outlives this process; while this process lives it reaps it.
  virtual absl::StatusOr<ProcessIdentity> Start(const Command& command) = 0;
  virtual bool IsAlive(const ProcessIdentity& process) = 0;
  // OK when it has ended already. Never signals another process that got the same pid (pidfd).
  virtual absl::Status Signal(const ProcessIdentity& process, int signal) = 0;
};

// Children of Start are reaped by a thread that the first Start begins; the destructor ends that
// thread, not the children.
class RealProcesses : public Processes {
 public:
  RealProcesses();
  ~RealProcesses() override;
  absl::StatusOr<CommandResult> Run(const Command& command) override;
  absl::StatusOr<ProcessIdentity> Start(const Command& command) override;
  bool IsAlive(const ProcessIdentity& process) override;
  absl::Status Signal(const ProcessIdentity& process, int signal) override;

 private:
  class Reaper;
  Reaper& reaper() EXCLUDES(mutex_);

  Mutex mutex_;
  std::unique_ptr<Reaper> reaper_ GUARDED_BY(mutex_);
};

// The identity of a running process. NOT_FOUND when there is none with that pid, or it has ended
// and waits to be reaped.
absl::StatusOr<ProcessIdentity> IdentifyProcess(pid_t pid);

}  // namespace trainyard::base
