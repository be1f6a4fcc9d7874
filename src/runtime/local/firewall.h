// The packet filter between jobs and the rest of the world. Pure: text for iptables-restore.
#pragma once

#include <string>
#include <vector>

namespace trainyard::runtime {

struct FirewallPlan {
  std::string instance;  // names the chains
  std::string bridge;
  std::string subnet;  // CIDR of the jobs
  std::vector<std::string> nameservers;
  std::vector<std::string> allowed_ranges;
};

// Input of `iptables-restore --noflush`. Jobs may open connections to the world, to the name
// servers' port 53 and to the allowed ranges; not to the host itself, not to private, link-local
// or reserved ranges. Nobody may open one to a job.
std::string WriteFirewall(const FirewallPlan& plan);

// Commands that undo it, each an argv; each fails where there is nothing to undo.
std::vector<std::vector<std::string>> FirewallRemoval(const FirewallPlan& plan);

}  // namespace trainyard::runtime
