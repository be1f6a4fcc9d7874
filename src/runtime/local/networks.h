// Replicas' network and user namespaces. They are made ahead: a start takes a ready one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/process.h"

namespace trainyard::runtime {

enum class Egress {
  kNone,      // no interface but the loopback
  kInternet,  // the world, less the host and private ranges
};

struct Network {
  std::string name;     // of the interface on the host; empty: none
  std::string address;  // IPv4; empty: none
  std::string user_namespace_path, network_namespace_path;
  std::vector<std::string> nameservers;
};

// Threads: any.
class Networks {
 public:
  virtual ~Networks() = default;
  // Once, before the rest: removes what an earlier server left, but for what is `in_use`.
  virtual absl::Status Start(const std::vector<Network>& in_use) = 0;
  // Only name and address speak of it after a restart. UNAVAILABLE, FAILED_PRECONDITION.
  virtual absl::StatusOr<Network> Take(Egress egress) = 0;
  // Idempotent; legal for what an earlier server took.
  virtual absl::Status Release(const Network& network) = 0;
};

struct NetworkOptions {
  std::string instance;  // at most 8 of [a-z0-9]; names bridge and firewall chains
  uint32_t uid_base = 100'000;
  uint32_t uid_count = 65'536;
  int ready_max = 4;  // made ahead, of each kind in use
  Egress egress = Egress::kInternet;
  // Ranges to cut the jobs' /20 from: the first that no interface and no route of this machine
  // touches is taken.
  std::vector<std::string> ranges = {"10.211.0.0/16", "172.29.0.0/16", "192.168.192.0/18"};
  std::vector<std::string> allowed_ranges;  // CIDR, although private or the host's own
  std::vector<std::string> nameservers;     // empty: the host's
};

// `processes` runs iptables and outlives it.
std::unique_ptr<Networks> CreateRealNetworks(base::Processes& processes, NetworkOptions options);

}  // namespace trainyard::runtime
