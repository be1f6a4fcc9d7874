// Leads connections of a process and of all that it starts, from port 443 of the marker addresses
// to the server.
//
// How: a seccomp filter reports each connect(2) to a supervisor, which makes the connection on the
// very same socket (pidfd_getfd) and answers in the kernel's stead; every other connect goes on as
// it was. Tried against the other ways:
// - a network namespace with a relay in it: needs a relay for each byte, and user-mode networking
//   (a program more) for the rest of the command's network;
// - a listener on a loopback address at port 443: needs root or ip_unprivileged_port_start, and a
//   relay for each byte;
// - LD_PRELOAD: static programs (Go) do not hear of it.
// This one needs no privilege and no listener, moves no byte, leaves the command's network as it is
// and holds for static programs. Measured, best of nine runs of 1,000 connections to a listener on
// the same machine: 72 us for one that is made plainly, 73 us for one that is looked at and goes
// on, 156 us for one that is led to the server. Starting a command this way takes 11 ms. The
// supervisor is no boundary of security: the command may do all that its user may.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "base/descriptor.h"
#include "base/executor.h"

namespace trainyard::cli {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t length = 0;
};

// Filters connect(2) of this process from now on, past execve. The result is the supervisor's end;
// it must reach another process before this one connects. FAILED_PRECONDITION where the kernel
// cannot (before Linux 5.6) or another supervisor is there already.
absl::StatusOr<base::Descriptor> FilterConnect();

// The supervisor; an ancestor of those that it serves, or privileged.
class ConnectSupervisor {
 public:
  // `ipv4` and `ipv6`: the server. Without `ipv6`, IPv6 sockets reach it at its mapped address.
  ConnectSupervisor(base::Descriptor listener, std::optional<SocketAddress> ipv4,
                    std::optional<SocketAddress> ipv6);

  int descriptor() const { return listener_.get(); }
  // When the descriptor is readable: answers one call.
  void ServeOne();

 private:
  struct Request;
  // The server's address for a socket of that family; null when it has none.
  const SocketAddress* AddressFor(int family) const;
  void Redirect(const Request& request, base::Descriptor socket);
  void Answer(uint64_t id, int error, bool go_on);

  base::Descriptor listener_;
  std::optional<SocketAddress> ipv4_;
  std::optional<SocketAddress> ipv6_;
  size_t request_bytes_ = 0;  // as large as this kernel's structs
  size_t response_bytes_ = 0;
  base::ThreadPool pool_;  // for sockets whose connect blocks; last: ends first
};

}  // namespace trainyard::cli
