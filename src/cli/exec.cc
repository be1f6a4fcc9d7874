#include "cli/exec.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/descriptor.h"
#include "base/status.h"
#include "cli/ca_bundle.h"
#include "cli/connect_redirect.h"
#include "cli/environment.h"
#include "cli/google_hosts.h"
#include "cli/message_channel.h"
#include "cli/private_mounts.h"

namespace trainyard::cli {
namespace {

constexpr int kForwarded[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
constexpr int kCheckTimeoutMs = 3000;
constexpr int kSupervisorEndMs = 20;

// Messages of the command's process to the supervisor, and of that to the caller.
constexpr char kFailed = 'E';    // status code, text
constexpr char kListener = 'F';  // with the descriptor
constexpr char kStarted = 'P';   // process id
constexpr char kExited = 'X';    // exit code

struct ServerAddresses {
  std::optional<SocketAddress> ipv4;
  std::optional<SocketAddress> ipv6;
};

absl::StatusOr<ServerAddresses> Resolve(const std::string& endpoint) {
  const HostAndPort server = SplitEndpoint(endpoint);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error =
      getaddrinfo(server.host.c_str(), absl::StrCat(server.port).c_str(), &hints, &list);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("the server's address ", endpoint, ": ", gai_strerror(error)));
  }
  ServerAddresses addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    std::optional<SocketAddress>& slot =
        entry->ai_family == AF_INET6 ? addresses.ipv6 : addresses.ipv4;
    if (slot.has_value()) continue;
    slot.emplace();
    std::memcpy(&slot->storage, entry->ai_addr, entry->ai_addrlen);
    slot->length = entry->ai_addrlen;
  }
  freeaddrinfo(list);
  return addresses;
}

bool Answers(const SocketAddress& address) {
  const base::Descriptor socket(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const auto* name = reinterpret_cast<const sockaddr*>(&address.storage);
  if (connect(socket.get(), name, address.length) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd ready{socket.get(), POLLOUT, 0};
  if (poll(&ready, 1, kCheckTimeoutMs) != 1) return false;
  int error = 0;
  socklen_t length = sizeof(error);
  return getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

// Only an address that answers is of use: "localhost" may have two, of which one does.
absl::StatusOr<ServerAddresses> FindServer(const std::string& endpoint) {
  ASSIGN_OR_RETURN(ServerAddresses addresses, Resolve(endpoint));
  for (std::optional<SocketAddress>* address : {&addresses.ipv4, &addresses.ipv6}) {
    if (address->has_value() && !Answers(**address)) address->reset();
  }
  if (addresses.ipv4.has_value() || addresses.ipv6.has_value()) return addresses;
  return absl::UnavailableError(
      absl::StrCat("nothing answers at ", endpoint, "; start a server with `trainyard serve`"));
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return base::ErrnoStatus(errno, absl::StrCat("read ", path));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// What the command sees in place of the machine's own.
absl::StatusOr<std::vector<PrivateFile>> FilesOf(const std::string& ca_bundle) {
  ASSIGN_OR_RETURN(const std::string hosts, ReadFile("/etc/hosts"));
  ASSIGN_OR_RETURN(const std::string bundle, ReadFile(ca_bundle));
  std::vector<PrivateFile> files = {{"/etc/hosts", HostsFile(hosts, RedirectedHosts())}};
  if (const auto names = ReadFile("/etc/nsswitch.conf"); names.ok()) {
    files.push_back({"/etc/nsswitch.conf", NameServiceSwitch(*names)});
  }
  // The name service cache would answer for the hosts file: its door is shut.
  if (access("/run/nscd/socket", F_OK) == 0) files.push_back({"/run/nscd/socket", ""});
  std::set<std::string> seen;
  for (const std::string& path : SystemBundlePaths()) {
    char* resolved = realpath(path.c_str(), nullptr);
    if (resolved != nullptr && seen.insert(resolved).second) files.push_back({resolved, bundle});
    free(resolved);
  }
  return files;
}

// --- the command's process ---

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

absl::Status ExecError(const std::string& command) {
  if (errno == ENOENT) return absl::NotFoundError(absl::StrCat("there is no command ", command));
  return base::ErrnoStatus(errno, absl::StrCat("run ", command));
}

// Comes back only when it failed.
absl::Status BecomeCommand(const ExecOptions& options, const sigset_t& mask) {
  std::vector<char*> environment = Pointers(options.environment);
  environ = environment.data();  // execvp looks for the command in its PATH
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  execvp(options.command[0].c_str(), Pointers(options.command).data());
  return ExecError(options.command[0]);
}

absl::Status StartCommand(const ExecOptions& options, const std::vector<PrivateFile>& files,
                          const sigset_t& mask, MessageChannel& channel) {
  RETURN_IF_ERROR(EnterPrivateMounts(files));
  ASSIGN_OR_RETURN(base::Descriptor listener, FilterConnect());
  RETURN_IF_ERROR(channel.Send(kListener, "", listener.get()));
  listener.Reset();
  return BecomeCommand(options, mask);
}

[[noreturn]] void ReportAndExit(MessageChannel& channel, const absl::Status& status) {
  (void)channel.Send(
      kFailed, absl::StrCat(std::string(1, static_cast<char>(status.code())), status.message()));
  _exit(1);
}

absl::Status FailureOf(const Message& message) {
  if (message.type != kFailed || message.text.empty()) {
    return absl::InternalError("the command's process ended before it began");
  }
  return absl::Status(static_cast<absl::StatusCode>(message.text[0]),
                      absl::string_view(message.text).substr(1));
}

// --- the supervisor ---

// Lets go of what the caller gave us: it may wait for the end of these.
void LetGo() {
  prctl(PR_SET_NAME, "trainyard-exec");
  const int null = open("/dev/null", O_RDWR);
  for (int number = 0; number <= 2; ++number) dup2(null, number);
  if (null > 2) close(null);
  if (chdir("/") != 0) return;
}

int ExitCodeOf(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Reaps what has ended; true once the command is among it.
bool Reap(int signals, pid_t command, MessageChannel& caller) {
  signalfd_siginfo info;
  while (read(signals, &info, sizeof(info)) > 0) {
  }
  bool ended = false;
  int status = 0;
  for (pid_t process; (process = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (process != command) continue;
    ended = true;
    // When the caller has gone, nobody asks.
    (void)caller.Send(kExited, std::string(1, static_cast<char>(ExitCodeOf(status))));
  }
  return ended;
}

// Until no process of the command is left.
void Supervise(ConnectSupervisor& supervisor, pid_t command, int signals, MessageChannel& caller) {
  bool ended = false;
  for (;;) {
    pollfd events[] = {{supervisor.descriptor(), POLLIN, 0}, {signals, POLLIN, 0}};
    if (poll(events, 2, -1) < 0 && errno != EINTR) return;
    if ((events[0].revents & POLLIN) != 0) supervisor.ServeOne();
    if ((events[1].revents & POLLIN) != 0) ended |= Reap(signals, command, caller);
    if ((events[0].revents & POLLHUP) == 0) continue;
    // No process is filtered any more, but the command may have to be reaped still.
    if (ended) return;
    pollfd last{signals, POLLIN, 0};
    if (poll(&last, 1, -1) == 1) ended |= Reap(signals, command, caller);
    if (ended) return;
  }
}

[[noreturn]] void BecomeSupervisor(const ExecOptions& options, const ServerAddresses& server,
                                   const std::vector<PrivateFile>& files, const sigset_t& mask,
                                   MessageChannel caller) {
  // Orphans of the command stay our descendants: only those may be served.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, nullptr);
  const base::Descriptor signals(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  absl::StatusOr<ChannelPair> pair = MakeChannel();
  if (!pair.ok()) ReportAndExit(caller, pair.status());
  const pid_t command = fork();
  if (command < 0) ReportAndExit(caller, base::ErrnoStatus(errno, "fork"));
  if (command == 0) {
    pair->first.Close();
    ReportAndExit(pair->second, StartCommand(options, files, mask, pair->second));
  }
  pair->second.Close();
  Message message = pair->first.Receive();
  if (message.type != kListener) ReportAndExit(caller, FailureOf(message));
  base::Descriptor listener = std::move(message.descriptor);
  // Its end closes with the execve that succeeds.
  message = pair->first.Receive();
  if (!message.end) ReportAndExit(caller, FailureOf(message));
  (void)caller.Send(kStarted,
                    std::string(reinterpret_cast<const char*>(&command), sizeof(command)));
  LetGo();
  {
    ConnectSupervisor supervisor(std::move(listener), server.ipv4, server.ipv6);
    Supervise(supervisor, command, signals.get(), caller);
  }
  _exit(0);
}

// --- the caller ---

void Forward(int signals, pid_t command) {
  signalfd_siginfo info;
  while (read(signals, &info, sizeof(info)) == sizeof(info)) {
    // What the terminal sent, the command got as well.
    const bool from_terminal = info.ssi_code == SI_KERNEL;
    if (command > 0 && !from_terminal) kill(command, static_cast<int>(info.ssi_signo));
  }
}

absl::StatusOr<int> WaitForCommand(MessageChannel& supervisor, int signals) {
  pid_t command = 0;
  for (;;) {
    pollfd events[] = {{supervisor.descriptor(), POLLIN, 0}, {signals, POLLIN, 0}};
    if (poll(events, 2, -1) < 0 && errno != EINTR) return base::ErrnoStatus(errno, "poll");
    if ((events[1].revents & POLLIN) != 0) Forward(signals, command);
    if ((events[0].revents & (POLLIN | POLLHUP)) == 0) continue;
    const Message message = supervisor.Receive();
    if (message.type == kStarted && message.text.size() == sizeof(command)) {
      std::memcpy(&command, message.text.data(), sizeof(command));
    } else if (message.type == kExited && message.text.size() == 1) {
      return static_cast<unsigned char>(message.text[0]);
    } else {
      return FailureOf(message);
    }
  }
}

absl::StatusOr<int> RunPlainly(const ExecOptions& options) {
  sigset_t mask;
  sigprocmask(SIG_SETMASK, nullptr, &mask);
  return BecomeCommand(options, mask);
}

}  // namespace

absl::StatusOr<int> RunExec(const ExecOptions& options) {
  if (options.command.empty()) {
    return absl::InvalidArgumentError("no command: trainyard exec -- COMMAND [ARGUMENT...]");
  }
  if (std::getenv("TRAINYARD_EXEC") != nullptr) return RunPlainly(options);
  ASSIGN_OR_RETURN(const ServerAddresses server, FindServer(options.endpoint));
  ASSIGN_OR_RETURN(const std::vector<PrivateFile> files, FilesOf(options.ca_bundle));
  ASSIGN_OR_RETURN(ChannelPair channel, MakeChannel());
  sigset_t forwarded, mask;
  sigemptyset(&forwarded);
  for (const int number : kForwarded) sigaddset(&forwarded, number);
  sigprocmask(SIG_BLOCK, &forwarded, &mask);
  const base::Descriptor signals(signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK));
  std::fflush(nullptr);
  const pid_t supervisor = fork();
  if (supervisor < 0) return base::ErrnoStatus(errno, "fork");
  if (supervisor == 0) {
    channel.first.Close();
    BecomeSupervisor(options, server, files, mask, std::move(channel.second));
  }
  channel.second.Close();
  absl::StatusOr<int> result = WaitForCommand(channel.first, signals.get());
  // Mostly nothing is left and the supervisor ends now; else it goes on without us.
  pollfd end{channel.first.descriptor(), 0, 0};
  if (poll(&end, 1, kSupervisorEndMs) == 1) waitpid(supervisor, nullptr, 0);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  return result;
}

absl::StatusOr<int> Exec(const Target& target, const Variables& current,
                         const std::vector<std::string>& command) {
  return RunExec({command, Applied(ExecEnvironmentOf(target, current), current), target.endpoint,
                  target.ca_bundle});
}

}  // namespace trainyard::cli
