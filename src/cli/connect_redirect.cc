#include "cli/connect_redirect.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "cli/google_hosts.h"

namespace trainyard::cli {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "name this machine's AUDIT_ARCH"
#endif

constexpr int kHttpsPort = 443;
constexpr int kConnectThreads = 4;
constexpr size_t kConnectQueueMax = 1024;

int Seccomp(unsigned operation, unsigned flags, void* argument) {
  return static_cast<int>(syscall(SYS_seccomp, operation, flags, argument));
}

bool IsMarker(const SocketAddress& address) {
  in_addr marker4{};
  in6_addr marker6{}, mapped{};
  inet_pton(AF_INET, kMarkerIpv4, &marker4);
  inet_pton(AF_INET6, kMarkerIpv6, &marker6);
  inet_pton(AF_INET6, absl::StrCat("::ffff:", kMarkerIpv4).c_str(), &mapped);
  if (address.storage.ss_family == AF_INET && address.length >= sizeof(sockaddr_in)) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address.storage);
    return ntohs(ipv4.sin_port) == kHttpsPort && ipv4.sin_addr.s_addr == marker4.s_addr;
  }
  if (address.storage.ss_family == AF_INET6 && address.length >= sizeof(sockaddr_in6)) {
    const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
    return ntohs(ipv6.sin6_port) == kHttpsPort &&
           (std::memcmp(&ipv6.sin6_addr, &marker6, sizeof(marker6)) == 0 ||
            std::memcmp(&ipv6.sin6_addr, &mapped, sizeof(mapped)) == 0);
  }
  return false;
}

SocketAddress Mapped(const SocketAddress& address) {
  const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address.storage);
  SocketAddress mapped;
  auto& ipv6 = reinterpret_cast<sockaddr_in6&>(mapped.storage);
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = ipv4.sin_port;
  ipv6.sin6_addr.s6_addr[10] = ipv6.sin6_addr.s6_addr[11] = 0xff;
  std::memcpy(&ipv6.sin6_addr.s6_addr[12], &ipv4.sin_addr, sizeof(ipv4.sin_addr));
  mapped.length = sizeof(sockaddr_in6);
  return mapped;
}

// The process of a thread: descriptors are taken from a process.
pid_t ProcessOf(pid_t thread) {
  std::ifstream status(absl::StrCat("/proc/", thread, "/status"));
  for (std::string line; std::getline(status, line);) {
    absl::string_view value = line;
    pid_t process = 0;
    if (absl::ConsumePrefix(&value, "Tgid:") && absl::SimpleAtoi(value, &process)) return process;
  }
  return thread;
}

int OpenProcess(pid_t process) { return static_cast<int>(syscall(SYS_pidfd_open, process, 0)); }

// The other process's socket as a descriptor of ours.
base::Descriptor TakeSocket(pid_t thread, int number) {
  base::Descriptor process(OpenProcess(thread));
  if (!process.valid()) process.Reset(OpenProcess(ProcessOf(thread)));  // not its first thread
  if (!process.valid()) return {};
  return base::Descriptor(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), number, 0)));
}

int SocketOption(int socket, int option) {
  int value = 0;
  socklen_t length = sizeof(value);
  return getsockopt(socket, SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
}

}  // namespace

struct ConnectSupervisor::Request {
  uint64_t id = 0;
  pid_t thread = 0;
  int socket = -1;
  SocketAddress address;
};

absl::StatusOr<base::Descriptor> FilterConnect() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter{static_cast<uint16_t>(std::size(program)), program};
  // The second flag (Linux 5.19) keeps a signal from repeating a connect that was made already.
  int listener = -1;
  for (const unsigned more : {unsigned{SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV}, 0u}) {
    listener = Seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | more, &filter);
    if (listener >= 0 || errno != EINVAL) break;
  }
  if (listener >= 0) return base::Descriptor(listener);
  const int error = errno;
  return absl::FailedPreconditionError(absl::StrCat(
      "this process cannot watch the connections of others (",
      base::ErrnoStatus(error, "seccomp").message(), "); ",
      error == EBUSY ? "it is itself watched by such a program, as containers sometimes are"
                     : "it takes Linux 5.6 and, in a container, a system call filter that "
                       "lets seccomp, pidfd_getfd and process_vm_readv pass"));
}

ConnectSupervisor::ConnectSupervisor(base::Descriptor listener, std::optional<SocketAddress> ipv4,
                                     std::optional<SocketAddress> ipv6)
    : listener_(std::move(listener)),
      ipv4_(ipv4),
      ipv6_(ipv6),
      pool_("connect", kConnectThreads, kConnectQueueMax) {
  if (!ipv6_.has_value() && ipv4_.has_value()) ipv6_ = Mapped(*ipv4_);
  seccomp_notif_sizes sizes{};
  Seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
  request_bytes_ = std::max<size_t>(sizes.seccomp_notif, sizeof(seccomp_notif));
  response_bytes_ = std::max<size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp));
}

void ConnectSupervisor::ServeOne() {
  std::vector<uint64_t> buffer(request_bytes_ / sizeof(uint64_t) + 1);
  auto* notification = reinterpret_cast<seccomp_notif*>(buffer.data());
  if (ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, notification) != 0) return;  // it has ended
  Request request{notification->id, static_cast<pid_t>(notification->pid),
                  static_cast<int>(notification->data.args[0])};
  request.address.length = static_cast<socklen_t>(
      std::min<uint64_t>(notification->data.args[2], sizeof(request.address.storage)));
  iovec local{&request.address.storage, request.address.length};
  iovec remote{reinterpret_cast<void*>(notification->data.args[1]), request.address.length};
  const ssize_t read = process_vm_readv(request.thread, &local, 1, &remote, 1, 0);
  if (read != static_cast<ssize_t>(request.address.length) || !IsMarker(request.address)) {
    return Answer(request.id, 0, /*go_on=*/true);
  }
  base::Descriptor socket = TakeSocket(request.thread, request.socket);
  // The thread may have ended, and its number be another's, while we looked.
  uint64_t id = request.id;
  if (ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) != 0) return;
  if (!socket.valid() || SocketOption(socket.get(), SO_TYPE) != SOCK_STREAM) {
    return Answer(request.id, 0, /*go_on=*/true);
  }
  if ((fcntl(socket.get(), F_GETFL) & O_NONBLOCK) != 0) {
    return Redirect(request, std::move(socket));
  }
  const auto shared = std::make_shared<base::Descriptor>(std::move(socket));
  const bool posted =
      pool_.TryPost([this, request, shared] { Redirect(request, std::move(*shared)); });
  if (!posted) Answer(request.id, EAGAIN, /*go_on=*/false);
}

const SocketAddress* ConnectSupervisor::AddressFor(int family) const {
  const std::optional<SocketAddress>& address = family == AF_INET6 ? ipv6_ : ipv4_;
  return address.has_value() ? &*address : nullptr;
}

void ConnectSupervisor::Redirect(const Request& request, base::Descriptor socket) {
  const SocketAddress* server = AddressFor(SocketOption(socket.get(), SO_DOMAIN));
  int error = EAFNOSUPPORT;
  if (server != nullptr) {
    const auto* address = reinterpret_cast<const sockaddr*>(&server->storage);
    error = connect(socket.get(), address, server->length) == 0 ? 0 : errno;
  }
  Answer(request.id, error, /*go_on=*/false);
}

void ConnectSupervisor::Answer(uint64_t id, int error, bool go_on) {
  std::vector<uint64_t> buffer(response_bytes_ / sizeof(uint64_t) + 1);
  auto* response = reinterpret_cast<seccomp_notif_resp*>(buffer.data());
  response->id = id;
  response->error = -error;
  response->flags = go_on ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
  ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, response);  // fails when the thread has ended
}

}  // namespace trainyard::cli
