#include "runner/container.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/disk.h"
#include "base/status.h"

namespace trainyard::runner {
namespace {

// Where crun finds what it is given; config.json names the namespaces as /proc/self/fd/<these>.
constexpr int kReportDescriptor = 3;
constexpr int kUserNamespaceDescriptor = 10;
constexpr int kNetworkNamespaceDescriptor = 11;
// crun closes it, like the two above, when it executes the job's first program.
constexpr int kLockDescriptor = 12;
constexpr int kFirstFreeDescriptor = 20;
constexpr int kPipeBytes = 1 << 20;
constexpr size_t kReportBytesMax = 4096;
constexpr size_t kCrunMessageBytesMax = 2048;

absl::StatusOr<base::Descriptor> MoveUp(base::Descriptor descriptor) {
  base::Descriptor moved(fcntl(descriptor.get(), F_DUPFD_CLOEXEC, kFirstFreeDescriptor));
  if (!moved.valid()) return base::ErrnoStatus(errno, "duplicate a descriptor");
  return moved;
}

struct Pipe {
  base::Descriptor read, write;
};

absl::StatusOr<Pipe> OpenPipe(int bytes) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return base::ErrnoStatus(errno, "pipe");
  base::Descriptor read(ends[0]), write(ends[1]);
  // A refusal leaves the default size, which works.
  if (bytes > 0) fcntl(read.get(), F_SETPIPE_SZ, bytes);
  Pipe pipe;
  ASSIGN_OR_RETURN(pipe.read, MoveUp(std::move(read)));
  ASSIGN_OR_RETURN(pipe.write, MoveUp(std::move(write)));
  if (fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0) return base::ErrnoStatus(errno, "fcntl");
  return pipe;
}

absl::StatusOr<base::Descriptor> OpenNamespace(const std::string& path) {
  if (path.empty()) return base::Descriptor();
  base::Descriptor opened(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened.valid()) return base::ErrnoStatus(errno, "open the namespace " + path);
  return MoveUp(std::move(opened));
}

std::string CrunLog(const v1::ReplicaSpec& spec) { return spec.directory() + "/crun.log"; }
std::string PidFile(const v1::ReplicaSpec& spec) { return spec.directory() + "/pid"; }

std::vector<std::string> CrunCommand(const v1::ReplicaSpec& spec) {
  return {spec.crun_path(),
          "--root=" + spec.crun_root(),
          "--cgroup-manager=cgroupfs",
          "--log=" + CrunLog(spec),
          "--log-format=text",
          "run",
          "--detach",
          "--preserve-fds=1",
          "--pid-file=" + PidFile(spec),
          "--bundle=" + spec.bundle_directory(),
          spec.container_id()};
}

struct Lay {
  int from, to;
};

// Between fork and exec: system calls only.
[[noreturn]] void Execute(const std::vector<char*>& argv, const std::vector<Lay>& layout,
                          pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(127);
  for (const Lay& lay : layout) {
    if (lay.from >= 0 && dup2(lay.from, lay.to) < 0) _exit(127);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char* environment[] = {path, nullptr};
  execve(argv[0], argv.data(), environment);
  _exit(127);
}

}  // namespace

void InitReportParser::Append(absl::string_view bytes) {
  for (char c : bytes) {
    if (c == '\n') {
      Take(partial_);
      partial_.clear();
    } else if (partial_.size() < kReportBytesMax) {
      partial_ += c;
    }
  }
}

void InitReportParser::Take(absl::string_view line) {
  int number = 0;
  if (line == "started") {
    report_.started = true;
  } else if (absl::ConsumePrefix(&line, "failed ") && absl::SimpleAtoi(line, &number)) {
    report_.exec_errno = std::clamp(number, 1, 4095);
  } else if (absl::ConsumePrefix(&line, "exit ") && absl::SimpleAtoi(line, &number)) {
    report_.exit_code = std::clamp(number, 0, 255);
  } else if (absl::ConsumePrefix(&line, "signal ") && absl::SimpleAtoi(line, &number)) {
    report_.signal = std::clamp(number, 1, 64);
  }
}

absl::StatusOr<Container> Container::Start(const v1::ReplicaSpec& spec, int lock) {
  ASSIGN_OR_RETURN(base::Descriptor user, OpenNamespace(spec.user_namespace_path()));
  ASSIGN_OR_RETURN(base::Descriptor network, OpenNamespace(spec.network_namespace_path()));
  ASSIGN_OR_RETURN(Pipe output, OpenPipe(kPipeBytes));
  ASSIGN_OR_RETURN(Pipe error, OpenPipe(kPipeBytes));
  ASSIGN_OR_RETURN(Pipe report, OpenPipe(0));
  base::Descriptor held(fcntl(lock, F_DUPFD_CLOEXEC, kFirstFreeDescriptor));
  if (!held.valid()) return base::ErrnoStatus(errno, "duplicate the lock");
  const std::vector<std::string> command = CrunCommand(spec);
  std::vector<char*> argv;
  for (const std::string& text : command) argv.push_back(const_cast<char*>(text.c_str()));
  argv.push_back(nullptr);
  const std::vector<Lay> layout = {
      {output.write.get(), STDOUT_FILENO},          {error.write.get(), STDERR_FILENO},
      {report.write.get(), kReportDescriptor},      {user.get(), kUserNamespaceDescriptor},
      {network.get(), kNetworkNamespaceDescriptor}, {held.get(), kLockDescriptor}};
  const pid_t self = getpid();
  pid_t pid = fork();
  if (pid < 0) return base::ErrnoStatus(errno, "fork");
  if (pid == 0) Execute(argv, layout, self);
  Container container(spec, pid);
  container.stdout_ = std::move(output.read);
  container.stderr_ = std::move(error.read);
  container.report_ = std::move(report.read);
  return container;
}

absl::StatusOr<bool> Container::Reap() {
  int status = 0;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid == crun_) {
      crun_ = 0;
      RETURN_IF_ERROR(CrunEnded(status));
    } else {
      // Process 1 of a short job may be here before crun has said which one it is.
      ended_[pid] = status;
    }
  }
  if (crun_ != 0) return false;
  auto init = ended_.find(init_);
  if (init == ended_.end()) return !failure_.ok();
  wait_status_ = init->second;
  init_ = 0;
  return true;
}

absl::Status Container::CrunEnded(int status) {
  base::RealDisk disk;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::string text = disk.Read(CrunLog(*spec_)).value_or("");
    if (text.size() > kCrunMessageBytesMax) text.resize(kCrunMessageBytesMax);
    failure_ = absl::UnavailableError(absl::StrCat(
        "crun could not start the job: ",
        text.empty() ? absl::StrCat("wait status ", status) : absl::StripAsciiWhitespace(text)));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(std::string text, disk.Read(PidFile(*spec_)));
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &init_)) {
    return absl::InternalError(PidFile(*spec_) + " holds no process id");
  }
  // A child of ours now, as we are its subreaper: the pid stays its own until we reap it.
  if (pending_signal_ != 0 && !ended_.contains(init_)) kill(init_, pending_signal_);
  return absl::OkStatus();
}

void Container::Signal(int signal) {
  if (pending_signal_ != SIGKILL) pending_signal_ = signal;
  if (init_ != 0) kill(init_, signal);
}

}  // namespace trainyard::runner
