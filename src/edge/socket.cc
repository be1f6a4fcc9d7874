#include "edge/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/status.h"
#include "edge/port_holder.h"

namespace trainyard::edge {
namespace {

constexpr int kBacklog = 512;

struct HostPort {
  std::string host;  // empty: every interface
  std::string port;
};

absl::StatusOr<HostPort> Split(const std::string& address) {
  size_t colon = address.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      port < 0 || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("--listen=", address,
                                                   " is not HOST:PORT; for example "
                                                   "--listen=127.0.0.1:8443"));
  }
  absl::string_view host = absl::string_view(address).substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  return HostPort{host == "*" ? "" : std::string(host), absl::StrCat(port)};
}

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

absl::StatusOr<Addresses> Resolve(const HostPort& target) {
  addrinfo hints{};
  hints.ai_family = target.host.empty() ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* host = target.host.empty() ? nullptr : target.host.c_str();
  int error = getaddrinfo(host, target.port.c_str(), &hints, &found);
  if (error != 0) {
    return absl::InvalidArgumentError(absl::StrCat("--listen: the host \"", target.host,
                                                   "\" has no address: ", gai_strerror(error)));
  }
  return Addresses(found);
}

absl::Status BindError(int error, const HostPort& target) {
  std::string where = absl::StrCat("port ", target.port);
  if (!target.host.empty()) absl::StrAppend(&where, " of ", target.host);
  constexpr absl::string_view kCure = "choose another with --listen=HOST:PORT";
  if (error == EADDRINUSE) {
    std::string holder = DescribePortHolder(std::stoi(target.port));
    return absl::FailedPreconditionError(absl::StrCat(
        where, " is in use", holder.empty() ? "" : " by ", holder, "; stop that, or ", kCure));
  }
  if (error == EACCES) {
    return absl::PermissionDeniedError(
        absl::StrCat(where, " may be opened by root alone; ", kCure, ", above 1023"));
  }
  if (error == EADDRNOTAVAIL) {
    return absl::FailedPreconditionError(
        absl::StrCat("this machine has no address ", target.host, "; ", kCure));
  }
  return base::ErrnoStatus(error, absl::StrCat("listen on ", where));
}

int PortOf(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

// 0, or errno.
int BindTo(const addrinfo& address, Socket& socket) {
  socket = Socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.open()) return errno;
  int on = 1, off = 0;
  setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Inherited by the accepted ones.
  setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (address.ai_family == AF_INET6) {
    setsockopt(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (bind(socket.fd(), address.ai_addr, address.ai_addrlen) != 0) return errno;
  return listen(socket.fd(), kBacklog) == 0 ? 0 : errno;
}

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.Release();
  }
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

int Socket::Release() { return std::exchange(fd_, -1); }

Event::Event() : socket_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { CHECK(socket_.open()); }

void Event::Set() {
  set_.store(true, std::memory_order_release);
  uint64_t one = 1;
  CHECK(write(socket_.fd(), &one, sizeof(one)) == sizeof(one));
}

absl::StatusOr<ListeningSocket> ListenOn(const std::string& address) {
  ASSIGN_OR_RETURN(HostPort target, Split(address));
  absl::StatusOr<Addresses> addresses = Resolve(target);
  if (!addresses.ok() && target.host.empty()) {  // a kernel without IPv6
    addresses = Resolve({"0.0.0.0", target.port});
  }
  RETURN_IF_ERROR(addresses.status());
  int error = 0;
  for (const addrinfo* item = addresses->get(); item != nullptr; item = item->ai_next) {
    Socket socket;
    error = BindTo(*item, socket);
    if (error == 0) {
      int port = PortOf(socket.fd());
      return ListeningSocket{std::move(socket), port};
    }
  }
  return BindError(error, target);
}

std::string PeerName(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0 ||
      getnameinfo(reinterpret_cast<sockaddr*>(&address), length, host, sizeof(host), port,
                  sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "unknown";
  }
  bool six = std::strchr(host, ':') != nullptr;
  return six ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

}  // namespace trainyard::edge
