#include "runner/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/disk.h"
#include "base/log.h"
#include "base/status.h"
#include "logs/logs.h"
#include "runner/container.h"
#include "runner/output.h"
#include "runner/root_filesystem.h"
#include "runner/usage.h"

namespace trainyard::runner {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr int kReadsPerTurn = 8;
// How long output may keep coming after the job's last process is gone: it is in the pipe already.
constexpr absl::Duration kDrainMax = absl::Seconds(5);
// A shell's codes for a program that could not be executed. Platform failures leave 0.
constexpr int kExitCannotExecute = 126;
constexpr int kExitNotFound = 127;

absl::StatusOr<base::Descriptor> OpenSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, SIGTERM);
  if (sigprocmask(SIG_BLOCK, &signals, nullptr) != 0)
    return base::ErrnoStatus(errno, "sigprocmask");
  base::Descriptor descriptor(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor.valid()) return base::ErrnoStatus(errno, "signalfd");
  return descriptor;
}

absl::Status JoinCgroup(const std::string& directory) {
  if (directory.empty()) return absl::OkStatus();
  const std::string path = directory + "/cgroup.procs";
  base::Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid() || write(file.get(), "0", 1) != 1) {
    return base::ErrnoStatus(errno, "join " + directory);
  }
  return absl::OkStatus();
}

class Supervisor {
 public:
  Supervisor(const ReplicaDirectory& directory, const ReplicaSpec& spec, const base::Clock& clock)
      : directory_(directory),
        spec_(spec),
        clock_(clock),
        runner_monotonic_us_(MonotonicUs()),
        buffer_(kReadBytes, '\0') {}

  // The error keeps the job from starting, or is none of its making.
  absl::Status Run() {
    RETURN_IF_ERROR(Prepare());
    crun_monotonic_us_ = MonotonicUs();
    ASSIGN_OR_RETURN(Container container, Container::Start(spec_, directory_.lock()));
    container_ = std::make_unique<Container>(std::move(container));
    while (!Finished()) RETURN_IF_ERROR(Turn());
    if (absl::Status joined = joined_.get(); !joined.ok()) {
      base::Log(base::Severity::kWarning, joined.message());
    }
    return absl::OkStatus();
  }

  ExitRecord Record(const absl::Status& failure) {
    ExitRecord record;
    record.set_version(1);
    record.set_ended_unix_us(absl::ToUnixMicros(clock_.Now()));
    record.set_started_unix_us(started_unix_us_);
    record.set_stage(ReadStage(spec_));
    base::RealDisk disk;
    Usage usage =
        ReadUsage(disk, {spec_.cgroup_directories().begin(), spec_.cgroup_directories().end()});
    record.set_memory_peak_bytes(usage.memory_peak_bytes);
    record.set_cpu_us(usage.cpu_us);
    if (output_ != nullptr) {
      output_->Finish();
      record.set_stderr_tail(output_->stderr_tail());
    }
    SetEnd(failure, record);
    record.set_out_of_memory(usage.out_of_memory && record.exit_code() != 0);
    return record;
  }

 private:
  absl::Status Prepare() {
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return base::ErrnoStatus(errno, "prctl");
    ASSIGN_OR_RETURN(signals_, OpenSignals());
    RETURN_IF_ERROR(EnterMountNamespace(spec_));
    // The kernel takes milliseconds to move a process: the job need not wait for that.
    joined_ = std::async(std::launch::async,
                         [this] { return JoinCgroup(spec_.runner_cgroup_directory()); });
    RETURN_IF_ERROR(MakeRootFilesystem(spec_));
    ASSIGN_OR_RETURN(std::unique_ptr<logs::Writer> log,
                     logs::Writer::Open(
                         disk_, clock_,
                         {.directory = spec_.log_directory(), .bytes_max = spec_.log_bytes_max()}));
    output_ = std::make_unique<Output>(clock_, std::move(log));
    return absl::OkStatus();
  }

  int64_t MonotonicUs() const { return absl::ToInt64Microseconds(clock_.Monotonic()); }

  bool Finished() const {
    return ended_ && ((container_->stdout_pipe() < 0 && container_->stderr_pipe() < 0) ||
                      clock_.Monotonic() >= drain_due_);
  }

  // Waits for something to happen and handles it.
  absl::Status Turn() {
    pollfd polls[] = {{signals_.get(), POLLIN, 0},
                      {container_->report_pipe(), POLLIN, 0},
                      {container_->stdout_pipe(), POLLIN, 0},
                      {container_->stderr_pipe(), POLLIN, 0}};
    // Output is flushed once no more is there to be read, or has waited long enough.
    int ready = poll(polls, 4, output_->waiting() ? 0 : TimeoutMs());
    if (ready < 0 && errno != EINTR) return base::ErrnoStatus(errno, "poll");
    if (output_->waiting() && (ready <= 0 || clock_.Monotonic() >= output_->FlushDue())) {
      output_->Flush();
    }
    if (polls[1].revents != 0) ReadReport();
    if (polls[2].revents != 0 && !Forward(container_->stdout_pipe(), logs::Stream::kStdout)) {
      container_->CloseStdout();
    }
    if (polls[3].revents != 0 && !Forward(container_->stderr_pipe(), logs::Stream::kStderr)) {
      container_->CloseStderr();
    }
    if (polls[0].revents != 0) RETURN_IF_ERROR(TakeSignals());
    if (clock_.Monotonic() >= kill_due_) {
      kill_due_ = absl::InfiniteDuration();
      container_->Signal(SIGKILL);
    }
    return absl::OkStatus();
  }

  int TimeoutMs() const {
    absl::Duration due = std::min(kill_due_, ended_ ? drain_due_ : absl::InfiniteDuration());
    if (due == absl::InfiniteDuration()) return -1;
    int64_t ms = absl::ToInt64Milliseconds(due - clock_.Monotonic()) + 1;
    return static_cast<int>(std::clamp<int64_t>(ms, 0, 3'600'000));
  }

  // False at the end of the stream.
  bool Forward(int pipe, logs::Stream stream) {
    for (int i = 0; i < kReadsPerTurn; ++i) {
      ssize_t count = read(pipe, buffer_.data(), buffer_.size());
      if (count < 0) return errno == EAGAIN || errno == EINTR;
      if (count == 0) return false;
      output_->Append(stream, absl::string_view(buffer_.data(), static_cast<size_t>(count)));
    }
    return true;
  }

  void ReadReport() {
    char bytes[256];
    ssize_t count = read(container_->report_pipe(), bytes, sizeof(bytes));
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return container_->CloseReport();
    report_.Append(absl::string_view(bytes, static_cast<size_t>(count)));
    if (!report_.report().started || started_unix_us_ != 0) return;
    StartRecord record;
    record.set_version(1);
    started_unix_us_ = absl::ToUnixMicros(clock_.Now());
    record.set_started_unix_us(started_unix_us_);
    record.set_runner_monotonic_us(runner_monotonic_us_);
    record.set_crun_monotonic_us(crun_monotonic_us_);
    record.set_started_monotonic_us(MonotonicUs());
    absl::Status status = directory_.WriteStart(record);
    if (!status.ok()) base::Log(base::Severity::kError, status.message());
  }

  absl::Status TakeSignals() {
    signalfd_siginfo info;
    while (read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
      if (info.ssi_signo != SIGTERM || stopping_) continue;
      stopping_ = true;
      kill_due_ = clock_.Monotonic() + absl::Milliseconds(spec_.stop_grace_ms());
      container_->Signal(SIGTERM);
    }
    if (ended_) return absl::OkStatus();
    ASSIGN_OR_RETURN(ended_, container_->Reap());
    if (ended_) {
      ReadReport();  // its last words
      drain_due_ = clock_.Monotonic() + kDrainMax;
    }
    return absl::OkStatus();
  }

  void SetEnd(const absl::Status& failure, ExitRecord& record) {
    const InitReport& report = report_.report();
    if (!failure.ok()) {
      record.set_start_error(std::string(failure.message()));
    } else if (report.exec_errno != 0) {
      record.set_exit_code(report.exec_errno == ENOENT ? kExitNotFound : kExitCannotExecute);
      record.set_start_error(
          absl::StrCat("the command \"", spec_.command_name(),
                       "\" could not be executed: ", strerror(report.exec_errno)));
    } else if (report.exit_code.has_value()) {
      record.set_exit_code(*report.exit_code);
    } else if (!container_->failure().ok() && !report.signal.has_value()) {
      record.set_start_error(std::string(container_->failure().message()));
    } else {
      // Process 1 itself was killed, or said how its child was.
      int status = container_->wait_status();
      int signal = report.signal.value_or(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
      record.set_signal(signal);
      record.set_exit_code(signal != 0 ? 128 + signal : WEXITSTATUS(status));
    }
  }

  const ReplicaDirectory& directory_;
  const ReplicaSpec& spec_;
  const base::Clock& clock_;
  const int64_t runner_monotonic_us_;
  int64_t crun_monotonic_us_ = 0;
  base::RealDisk disk_;
  base::Descriptor signals_;
  std::future<absl::Status> joined_;
  std::unique_ptr<Output> output_;
  std::unique_ptr<Container> container_;
  InitReportParser report_;
  std::string buffer_;
  int64_t started_unix_us_ = 0;
  bool stopping_ = false;
  bool ended_ = false;
  absl::Duration kill_due_ = absl::InfiniteDuration();
  absl::Duration drain_due_ = absl::InfiniteDuration();
};

}  // namespace

absl::Status Supervise(const ReplicaDirectory& directory, const ReplicaSpec& spec,
                       const base::Clock& clock) {
  Supervisor supervisor(directory, spec, clock);
  absl::Status failure = supervisor.Run();
  return directory.WriteExit(supervisor.Record(failure));
}

}  // namespace trainyard::runner
