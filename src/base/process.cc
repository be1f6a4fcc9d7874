#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <set>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/disk.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"

namespace trainyard::base {
namespace {

constexpr size_t kOutputBytesMax = 1 << 20;

int OpenPidDescriptor(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

// posix_spawn lays descriptors over 0, 1 and 2: the ones it copies from must lie above.
absl::StatusOr<Descriptor> AboveStandard(Descriptor descriptor) {
  if (descriptor.get() > STDERR_FILENO) return descriptor;
  Descriptor above(fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!above.valid()) return ErrnoStatus(errno, "duplicate a descriptor");
  return above;
}

absl::StatusOr<Descriptor> OpenAbove(const std::string& path, int flags) {
  Descriptor file(open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (!file.valid()) return ErrnoStatus(errno, "open " + path);
  return AboveStandard(std::move(file));
}

struct Pipe {
  Descriptor read, write;
};

absl::StatusOr<Pipe> OpenPipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  Descriptor read(ends[0]), write(ends[1]);
  Pipe pipe;
  ASSIGN_OR_RETURN(pipe.read, AboveStandard(std::move(read)));
  ASSIGN_OR_RETURN(pipe.write, AboveStandard(std::move(write)));
  if (fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0) return ErrnoStatus(errno, "fcntl");
  return pipe;
}

// A file in memory: the child reads at its own pace and may end early, without SIGPIPE to us.
absl::StatusOr<Descriptor> OpenInput(const std::string& input) {
  if (input.empty()) return OpenAbove("/dev/null", O_RDONLY);
  Descriptor file(memfd_create("input", MFD_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, "memfd_create");
  for (size_t done = 0; done < input.size();) {
    ssize_t count = write(file.get(), &input[done], input.size() - done);
    if (count < 0) return ErrnoStatus(errno, "write a child's input");
    done += static_cast<size_t>(count);
  }
  if (lseek(file.get(), 0, SEEK_SET) != 0) return ErrnoStatus(errno, "seek");
  return AboveStandard(std::move(file));
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// posix_spawn's two argument objects. glibc makes the child by clone(CLONE_VM | CLONE_VFORK): it
// takes as long for a large server as for a small one, and it says why exec failed.
class SpawnArguments {
 public:
  SpawnArguments() {
    CHECK(posix_spawn_file_actions_init(&actions_) == 0);
    CHECK(posix_spawnattr_init(&attributes_) == 0);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    Require(posix_spawnattr_setsigdefault(&attributes_, &all));
    Require(posix_spawnattr_setsigmask(&attributes_, &none));
    Require(posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
  }
  ~SpawnArguments() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnArguments(const SpawnArguments&) = delete;
  SpawnArguments& operator=(const SpawnArguments&) = delete;

  absl::StatusOr<pid_t> Spawn(const Command& command, int input, int output, int error) {
    if (command.argv.empty()) return absl::InvalidArgumentError("start: no program is named");
    const std::string directory =
        command.working_directory.empty() ? "/" : command.working_directory;
    Require(posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO));
    Require(posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO));
    Require(posix_spawn_file_actions_adddup2(&actions_, error, STDERR_FILENO));
    Require(posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1));
    Require(posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str()));
    std::vector<char*> argv = Pointers(command.argv);
    std::vector<char*> environment = Pointers(command.environment);
    pid_t pid = 0;
    Require(posix_spawnp(&pid, argv[0], &actions_, &attributes_, argv.data(), environment.data()));
    if (error_number_ == 0) return pid;
    return ErrnoStatus(error_number_, absl::StrCat("start ", command.argv[0], " in ", directory));
  }

 private:
  void Require(int error_number) {
    if (error_number_ == 0) error_number_ = error_number;
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
  int error_number_ = 0;
};

struct ProcessEntry {
  char state = 0;
  uint64_t start_ticks = 0;
};

// /proc/PID/stat: "PID (NAME) STATE ...", where NAME may hold anything.
absl::StatusOr<ProcessEntry> ReadProcessEntry(pid_t pid) {
  absl::StatusOr<std::string> stat = RealDisk().Read(absl::StrCat("/proc/", pid, "/stat"));
  if (!stat.ok()) return absl::NotFoundError(absl::StrCat("no process ", pid));
  const absl::string_view text = *stat;
  size_t end_of_name = text.rfind(')');
  CHECK(end_of_name != absl::string_view::npos);
  constexpr size_t kStartTicks = 22 - 3;  // fields after the name start with the third
  std::vector<absl::string_view> fields =
      absl::StrSplit(text.substr(end_of_name + 1), ' ', absl::SkipEmpty());
  ProcessEntry entry;
  CHECK(fields.size() > kStartTicks && absl::SimpleAtoi(fields[kStartTicks], &entry.start_ticks));
  entry.state = fields[0][0];
  return entry;
}

bool HasEnded(const ProcessEntry& entry) { return entry.state == 'Z' || entry.state == 'X'; }

absl::StatusOr<std::string> ReadBootId() {
  ASSIGN_OR_RETURN(std::string text, RealDisk().Read("/proc/sys/kernel/random/boot_id"));
  return std::string(absl::StripAsciiWhitespace(text));
}

int ExitCode(const siginfo_t& info) {
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

// Appends what can be read now, keeping the last kOutputBytesMax. False at the end of the stream.
bool Drain(int pipe, std::string& text) {
  char buffer[64 << 10];
  // More than a pipe holds, and not for ever: the writer may be faster than we are.
  for (int reads = 0; reads < 32; ++reads) {
    ssize_t count = read(pipe, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    text.append(buffer, static_cast<size_t>(count));
    if (text.size() > 2 * kOutputBytesMax) text.erase(0, text.size() - kOutputBytesMax);
  }
  return true;
}

// A child of Run, from start to end. It is not reaped before the destructor or Wait, so its pid and
// its process group stay its own.
class RunningChild {
 public:
  static absl::StatusOr<CommandResult> Run(const Command& command) {
    RunningChild child;
    ASSIGN_OR_RETURN(Descriptor input, OpenInput(command.input));
    ASSIGN_OR_RETURN(Pipe output, OpenPipe());
    ASSIGN_OR_RETURN(Pipe error, OpenPipe());
    ASSIGN_OR_RETURN(child.pid_, SpawnArguments().Spawn(command, input.get(), output.write.get(),
                                                        error.write.get()));
    child.process_.Reset(OpenPidDescriptor(child.pid_));
    if (!child.process_.valid()) return ErrnoStatus(errno, "pidfd_open");
    child.output_ = std::move(output.read);
    child.error_ = std::move(error.read);
    output.write.Reset();
    error.write.Reset();
    return child.Wait(command.timeout);
  }

  ~RunningChild() {
    if (pid_ == 0) return;
    kill(-pid_, SIGKILL);
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
  }

 private:
  absl::StatusOr<CommandResult> Wait(absl::Duration timeout) {
    RealClock clock;
    absl::Duration due = clock.Monotonic() + timeout;
    CommandResult result;
    while (true) {
      pollfd polls[] = {
          {process_.get(), POLLIN, 0}, {output_.get(), POLLIN, 0}, {error_.get(), POLLIN, 0}};
      // After the kill there is nothing to wait for but the end.
      absl::Duration left = result.timed_out ? absl::InfiniteDuration() : due - clock.Monotonic();
      if (poll(polls, 3, PollMilliseconds(left)) < 0 && errno != EINTR) {
        return ErrnoStatus(errno, "poll");
      }
      bool ended = (polls[0].revents & POLLIN) != 0;
      if (output_.valid() && !Drain(output_.get(), result.output)) output_.Reset();
      if (error_.valid() && !Drain(error_.get(), result.error)) error_.Reset();
      if (ended) return Reap(std::move(result));
      if (!result.timed_out && clock.Monotonic() >= due) {
        result.timed_out = true;
        kill(-pid_, SIGKILL);
      }
    }
  }

  static int PollMilliseconds(absl::Duration left) {
    if (left == absl::InfiniteDuration()) return -1;
    int64_t milliseconds = absl::ToInt64Milliseconds(left) + 1;
    return static_cast<int>(std::clamp<int64_t>(milliseconds, 0, 3'600'000));
  }

  absl::StatusOr<CommandResult> Reap(CommandResult result) {
    siginfo_t info = {};
    if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0) {
      return ErrnoStatus(errno, "waitid");
    }
    pid_ = 0;
    result.exit_code = ExitCode(info);
    for (std::string* text : {&result.output, &result.error}) {
      if (text->size() > kOutputBytesMax) text->erase(0, text->size() - kOutputBytesMax);
    }
    return result;
  }

  pid_t pid_ = 0;
  Descriptor process_, output_, error_;
};

}  // namespace

// Waits for all started children at once, on a thread of its own.
class RealProcesses::Reaper {
 public:
  Reaper() : epoll_(epoll_create1(EPOLL_CLOEXEC)), stop_(eventfd(0, EFD_CLOEXEC)) {
    CHECK(epoll_.valid() && stop_.valid());
    Watch(stop_.get());
    thread_ = std::thread([this] { Run(); });
  }

  ~Reaper() {
    CHECK(eventfd_write(stop_.get(), 1) == 0);
    thread_.join();
    for (int process : processes_) close(process);
  }

  void Add(Descriptor process) EXCLUDES(mutex_) {
    int number = process.Release();
    {
      MutexLock lock(mutex_);
      processes_.insert(number);
    }
    Watch(number);
  }

 private:
  void Watch(int number) {
    epoll_event event = {.events = EPOLLIN, .data = {.fd = number}};
    CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, number, &event) == 0);
  }

  void Run() {
    while (true) {
      epoll_event events[64];
      int count = epoll_wait(epoll_.get(), events, 64, -1);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == stop_.get()) return;
        Reap(events[i].data.fd);
      }
    }
  }

  void Reap(int process) EXCLUDES(mutex_) {
    siginfo_t info;
    waitid(P_PIDFD, static_cast<id_t>(process), &info, WEXITED | WNOHANG);
    // close alone would not do: a child that is just being started may hold a copy.
    CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, process, nullptr) == 0);
    {
      MutexLock lock(mutex_);
      processes_.erase(process);
    }
    close(process);
  }

  const Descriptor epoll_, stop_;
  Mutex mutex_;
  std::set<int> processes_ GUARDED_BY(mutex_);
  std::thread thread_;
};

RealProcesses::RealProcesses() = default;
RealProcesses::~RealProcesses() = default;

RealProcesses::Reaper& RealProcesses::reaper() {
  MutexLock lock(mutex_);
  if (reaper_ == nullptr) reaper_ = std::make_unique<Reaper>();
  return *reaper_;
}

absl::StatusOr<CommandResult> RealProcesses::Run(const Command& command) {
  return RunningChild::Run(command);
}

absl::StatusOr<ProcessIdentity> RealProcesses::Start(const Command& command) {
  Reaper& reaper = this->reaper();
  ProcessIdentity identity;
  ASSIGN_OR_RETURN(identity.boot_id, ReadBootId());
  ASSIGN_OR_RETURN(Descriptor input, OpenAbove("/dev/null", O_RDONLY));
  ASSIGN_OR_RETURN(Descriptor output, command.output_path.empty()
                                          ? OpenAbove("/dev/null", O_WRONLY)
                                          : OpenAbove(command.output_path,
                                                      O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW));
  ASSIGN_OR_RETURN(identity.pid,
                   SpawnArguments().Spawn(command, input.get(), output.get(), output.get()));
  // Until it is handed to the reaper it keeps its pid, even if it has ended by now.
  absl::StatusOr<ProcessEntry> entry = ReadProcessEntry(identity.pid);
  Descriptor process(OpenPidDescriptor(identity.pid));
  if (!entry.ok() || !process.valid()) {
    absl::Status fault = entry.ok() ? ErrnoStatus(errno, "pidfd_open") : entry.status();
    kill(-identity.pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(identity.pid), &info, WEXITED);
    return Annotate(fault, absl::StrCat("start ", command.argv[0]));
  }
  identity.start_ticks = entry->start_ticks;
  reaper.Add(std::move(process));
  return identity;
}

bool RealProcesses::IsAlive(const ProcessIdentity& process) {
  absl::StatusOr<ProcessIdentity> now = IdentifyProcess(process.pid);
  return now.ok() && *now == process;
}

absl::Status RealProcesses::Signal(const ProcessIdentity& process, int signal) {
  if (process.pid <= 0) return absl::InvalidArgumentError("signal: no process is named");
  Descriptor descriptor(OpenPidDescriptor(process.pid));
  if (!descriptor.valid()) {
    return errno == ESRCH ? absl::OkStatus() : ErrnoStatus(errno, "pidfd_open");
  }
  // The descriptor came first: what is identified now is what it stands for, or it has ended.
  if (!IsAlive(process)) return absl::OkStatus();
  if (syscall(SYS_pidfd_send_signal, descriptor.get(), signal, nullptr, 0) == 0) {
    return absl::OkStatus();
  }
  if (errno == ESRCH) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("send signal ", signal, " to process ", process.pid));
}

absl::StatusOr<ProcessIdentity> IdentifyProcess(pid_t pid) {
  ASSIGN_OR_RETURN(ProcessEntry entry, ReadProcessEntry(pid));
  if (HasEnded(entry)) return absl::NotFoundError(absl::StrCat("process ", pid, " has ended"));
  ASSIGN_OR_RETURN(std::string boot_id, ReadBootId());
  return ProcessIdentity{boot_id, pid, entry.start_ticks};
}

}  // namespace trainyard::base
