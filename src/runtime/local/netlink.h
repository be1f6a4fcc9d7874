// Network interfaces, addresses and routes, by rtnetlink: far quicker than the ip command.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/descriptor.h"

namespace trainyard::runtime {

// An IPv4 network. Address in host byte order.
struct Ipv4Range {
  uint32_t address = 0;
  int prefix_bits = 32;

  bool Overlaps(const Ipv4Range& other) const;
};

// "10.0.0.0/8", or an address alone. INVALID_ARGUMENT.
absl::StatusOr<Ipv4Range> ParseIpv4Range(absl::string_view text);
std::string Ipv4Text(uint32_t address);

struct Link {
  int index = 0;
  std::string name;
  uint32_t mtu = 0;
};

// Speaks for the network namespace that the thread was in at Open. Threads: one.
class Netlink {
 public:
  static absl::StatusOr<Netlink> Open();

  absl::StatusOr<std::vector<Link>> ListLinks();
  // Networks that this machine's interfaces and routes cover, the default route aside.
  absl::StatusOr<std::vector<Ipv4Range>> ListNetworks();
  // NOT_FOUND when it has none.
  absl::StatusOr<Ipv4Range> AddressOf(int link);
  // Of the interface that the default route leads to; 0 when there is none.
  absl::StatusOr<int> DefaultLink();

  absl::Status AddBridge(const std::string& name, uint32_t mtu);
  // Both ends are made at once, the peer in another namespace. The near one becomes a port of the
  // bridge that reaches no other job's port, and is up.
  absl::Status AddVeth(const std::string& name, int bridge, uint32_t mtu,
                       const std::string& peer_name, int peer_network);
  // NOT_FOUND.
  absl::Status DeleteLink(const std::string& name);
  absl::Status SetUp(int link);
  absl::Status AddAddress(int link, const Ipv4Range& address);
  absl::Status AddDefaultRoute(uint32_t gateway);
  // NOT_FOUND.
  absl::StatusOr<int> LinkIndex(const std::string& name);

 private:
  class Message;
  explicit Netlink(base::Descriptor socket) : socket_(std::move(socket)) {}
  absl::Status Send(Message& message, absl::string_view what);
  absl::Status Dump(Message& message, absl::string_view what, std::string& answer);

  base::Descriptor socket_;
  uint32_t sequence_ = 0;
};

}  // namespace trainyard::runtime
