// trainyard-init: process 1 of a job. Linked statically against libc alone, for it runs inside any
// image.
//
// The kernel ignores for process 1 every signal that it does not handle, its own included: a
// trainer that is process 1 survives SIGTERM, and its abort() looks like another crash. So the
// user's program is the child of this one, which forwards signals, reaps orphans, and tells the
// runner what happened, by lines on descriptor 3:
//
//   started                the user's program was executed
//   failed ERRNO           it could not be
//   exit CODE | signal N   how it ended
//
// When the runner is gone (nobody reads descriptor 3), it ends, and with it the whole job.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int kReport = 3;
constexpr int kExitCannotExecute = 126;
constexpr int kExitNotFound = 127;
constexpr int kExitOrphaned = 125;

void Report(const char* what, int number) {
  char line[64];
  int length = number < 0 ? snprintf(line, sizeof(line), "%s\n", what)
                          : snprintf(line, sizeof(line), "%s %d\n", what, number);
  [[maybe_unused]] ssize_t written = write(kReport, line, static_cast<size_t>(length));
}

[[noreturn]] void ExecuteUser(char** command, const sigset_t& signals, int failure) {
  setsid();
  sigprocmask(SIG_SETMASK, &signals, nullptr);
  execvp(command[0], command);
  int error_number = errno;
  [[maybe_unused]] ssize_t written = write(failure, &error_number, sizeof(error_number));
  _exit(error_number == ENOENT ? kExitNotFound : kExitCannotExecute);
}

// Waits for the exec of the child: its end of the pipe closes. 0, or the errno of the failure.
int AwaitExec(int pipe) {
  int error_number = 0;
  ssize_t count;
  do {
    count = read(pipe, &error_number, sizeof(error_number));
  } while (count < 0 && errno == EINTR);
  close(pipe);
  return count == sizeof(error_number) ? error_number : 0;
}

bool RunnerIsGone() {
  pollfd report = {kReport, 0, 0};
  return poll(&report, 1, 0) > 0 && (report.revents & (POLLERR | POLLNVAL)) != 0;
}

// True once `child` has ended; `status` is then its wait status.
bool Reap(pid_t child, int& status) {
  int reaped_status = 0;
  pid_t pid;
  bool ended = false;
  while ((pid = waitpid(-1, &reaped_status, WNOHANG)) > 0) {
    if (pid != child) continue;
    status = reaped_status;
    ended = true;
  }
  return ended;
}

int Supervise(pid_t child, int signals) {
  int status = 0;
  while (!Reap(child, status)) {
    pollfd polls[] = {{signals, POLLIN, 0}, {kReport, 0, 0}};
    if (poll(polls, 2, -1) < 0 && errno != EINTR) return kExitOrphaned;
    if (polls[1].revents & (POLLERR | POLLNVAL)) return kExitOrphaned;
    signalfd_siginfo info;
    if (!(polls[0].revents & POLLIN) || read(signals, &info, sizeof(info)) != sizeof(info)) {
      continue;
    }
    int signal = static_cast<int>(info.ssi_signo);
    if (signal != SIGCHLD) kill(child, signal);
  }
  if (WIFSIGNALED(status)) {
    Report("signal", WTERMSIG(status));
    return 128 + WTERMSIG(status);
  }
  Report("exit", WEXITSTATUS(status));
  return WEXITSTATUS(status);
}

}  // namespace

int main(int argc, char** argv) {
  // The job must not reach into this process: its program, its descriptors.
  prctl(PR_SET_DUMPABLE, 0);
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  int failure[2];
  if (argc < 2 || fcntl(kReport, F_SETFD, FD_CLOEXEC) != 0 || pipe2(failure, O_CLOEXEC) != 0) {
    return kExitOrphaned;
  }
  if (RunnerIsGone()) return kExitOrphaned;
  int signals = signalfd(-1, &all, SFD_CLOEXEC);
  pid_t child = signals < 0 ? -1 : fork();
  if (child < 0) {
    Report("failed", errno);
    return kExitCannotExecute;
  }
  if (child == 0) ExecuteUser(argv + 1, before, failure[1]);
  close(failure[1]);
  if (int error_number = AwaitExec(failure[0]); error_number != 0) {
    Report("failed", error_number);
    return error_number == ENOENT ? kExitNotFound : kExitCannotExecute;
  }
  Report("started", -1);
  return Supervise(child, signals);
}
