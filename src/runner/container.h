// One container, run by crun: its start, its signals, its end.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "base/descriptor.h"
#include "trainyard/runner/v1/runner.pb.h"

namespace trainyard::runner {

// What trainyard-init reported so far.
struct InitReport {
  bool started = false;
  int exec_errno = 0;             // the user's program could not be executed
  absl::optional<int> exit_code;  // it ended by itself
  absl::optional<int> signal;     // or by a signal
};

// Takes bytes as they come from the pipe; the job may have forged them, so anything is possible.
class InitReportParser {
 public:
  void Append(absl::string_view bytes);
  const InitReport& report() const { return report_; }

 private:
  void Take(absl::string_view line);

  std::string partial_;
  InitReport report_;
};

// Threads: one, which is the only one that waits for children.
class Container {
 public:
  // Starts crun, which dies with us and holds `lock` until the job's first program is executed. So
  // once we are dead and the lock is free, nothing starts any more. SIGCHLD tells when Reap has
  // something to do.
  static absl::StatusOr<Container> Start(const v1::ReplicaSpec& spec, int lock);

  int stdout_pipe() const { return stdout_.get(); }
  int stderr_pipe() const { return stderr_.get(); }
  int report_pipe() const { return report_.get(); }
  // The other side closed it.
  void CloseStdout() { stdout_.Reset(); }
  void CloseStderr() { stderr_.Reset(); }
  void CloseReport() { report_.Reset(); }

  // Collects what ended. True once nothing is left to wait for.
  absl::StatusOr<bool> Reap();
  // Held back until crun has said which process it is; dropped when that has ended.
  void Signal(int signal);

  // Once Reap was true: how crun failed, or how process 1 ended.
  const absl::Status& failure() const { return failure_; }
  int wait_status() const { return wait_status_; }

 private:
  Container(const v1::ReplicaSpec& spec, pid_t crun) : spec_(&spec), crun_(crun) {}
  absl::Status CrunEnded(int status);

  const v1::ReplicaSpec* spec_;
  base::Descriptor stdout_, stderr_, report_;
  pid_t crun_ = 0;              // 0: has ended
  pid_t init_ = 0;              // 0: not known yet, or ended
  std::map<pid_t, int> ended_;  // wait statuses of processes that were left to us
  int pending_signal_ = 0;
  absl::Status failure_;
  int wait_status_ = 0;
};

}  // namespace trainyard::runner
