#include "runtime/local/networks.h"

#include <fcntl.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/disk.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"
#include "runtime/local/firewall.h"
#include "runtime/local/namespaces.h"
#include "runtime/local/netlink.h"

namespace trainyard::runtime {
namespace {

constexpr int kSubnetBits = 20;
constexpr uint32_t kAddresses = uint32_t{1} << (32 - kSubnetBits);
constexpr uint32_t kFirstJobAddress = 2;  // 0 names the network, 1 is the bridge
constexpr char kJobInterface[] = "eth0";
const char* const kPath = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";

absl::Status WriteSetting(const std::string& path, const std::string& value) {
  base::Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid() || write(file.get(), value.data(), value.size()) < 0) {
    return base::ErrnoStatus(errno, absl::StrCat("set ", path, " to ", value));
  }
  return absl::OkStatus();
}

// Of resolv.conf: servers that a job can reach. A resolver on the host's loopback is none;
// systemd's has its own servers in another file.
std::vector<std::string> ReadNameservers() {
  std::vector<std::string> servers;
  base::RealDisk disk;
  for (const char* path : {"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}) {
    std::string text = disk.Read(path).value_or("");
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      std::vector<std::string> words =
          absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
      if (words.size() < 2 || words[0] != "nameserver" || absl::StartsWith(words[1], "127.") ||
          !ParseIpv4Range(words[1]).ok()) {
        continue;
      }
      servers.push_back(words[1]);
    }
    if (!servers.empty()) break;
  }
  return servers;
}

class RealNetworks : public Networks {
 public:
  RealNetworks(base::Processes& processes, NetworkOptions options)
      : processes_(processes),
        options_(std::move(options)),
        executor_(std::make_unique<base::ThreadExecutor>("networks")) {
    if (options_.nameservers.empty()) options_.nameservers = ReadNameservers();
    bridge_ = "ty" + options_.instance;
  }

  ~RealNetworks() override {
    executor_.reset();
    base::MutexLock lock(mutex_);
    ready_.clear();
    // Jobs that outlive this server keep their bridge.
    if (!bridge_ready_ || !in_use_.empty()) return;
    RemoveFirewall();
    absl::Status status = WithNetlink([&](Netlink& link) { return link.DeleteLink(bridge_); });
    if (!status.ok()) base::Log(base::Severity::kWarning, status.message());
  }

  absl::Status Start(const std::vector<Network>& in_use) override {
    {
      base::MutexLock lock(mutex_);
      for (const Network& network : in_use) {
        if (!network.name.empty()) in_use_.insert(network.name);
      }
      RETURN_IF_ERROR(WithNetlink([&](Netlink& link) { return RemoveLeftovers(link); }));
      if (options_.egress == Egress::kInternet || !in_use_.empty()) {
        bridge_status_ = MakeBridge();
        // Jobs without a network still run; the others say why they do not.
        if (!bridge_status_.ok()) {
          base::Log(base::Severity::kWarning,
                    absl::StrCat("jobs have no network: ", bridge_status_.message()));
        }
      }
    }
    executor_->Post([this] { Refill(options_.egress); });
    return absl::OkStatus();
  }

  absl::StatusOr<Network> Take(Egress egress) override {
    absl::StatusOr<Prepared> prepared = TakeReady(egress);
    if (!prepared.ok()) prepared = Make(egress);
    if (!prepared.ok()) return prepared.status();
    executor_->Post([this, egress] { Refill(egress); });
    Network network = prepared->network;
    base::MutexLock lock(mutex_);
    if (!network.name.empty()) in_use_.insert(network.name);
    taken_[network.user_namespace_path] = *std::move(prepared);
    return network;
  }

  absl::Status Release(const Network& network) override {
    Prepared closed;  // its descriptors close without the lock held
    base::MutexLock lock(mutex_);
    auto taken = taken_.find(network.user_namespace_path);
    if (taken != taken_.end()) {
      closed = std::move(taken->second);
      taken_.erase(taken);
    }
    if (network.name.empty()) return absl::OkStatus();
    absl::Status status = WithNetlink([&](Netlink& link) { return link.DeleteLink(network.name); });
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    in_use_.erase(network.name);
    return absl::OkStatus();
  }

 private:
  struct Prepared {
    Network network;
    NamespacePair namespaces;
  };

  static absl::Status WithNetlink(absl::FunctionRef<absl::Status(Netlink&)> work) {
    ASSIGN_OR_RETURN(Netlink link, Netlink::Open());
    return work(link);
  }

  std::string LinkName(uint32_t number) const {
    return absl::StrCat("tv", options_.instance, absl::Hex(number, absl::kZeroPad4));
  }

  absl::Status RemoveLeftovers(Netlink& link) REQUIRES(mutex_) {
    ASSIGN_OR_RETURN(std::vector<Link> links, link.ListLinks());
    const std::string prefix = "tv" + options_.instance;
    for (const Link& found : links) {
      if (!absl::StartsWith(found.name, prefix) || in_use_.contains(found.name)) continue;
      absl::Status status = link.DeleteLink(found.name);
      if (!status.ok() && !absl::IsNotFound(status)) return status;
    }
    return absl::OkStatus();
  }

  // The bridge, its address, forwarding, the packet filter. What an earlier server made is kept,
  // for its jobs may use it.
  absl::Status MakeBridge() REQUIRES(mutex_) {
    ASSIGN_OR_RETURN(Netlink link, Netlink::Open());
    ASSIGN_OR_RETURN(int outside, link.DefaultLink());
    ASSIGN_OR_RETURN(std::vector<Link> links, link.ListLinks());
    for (const Link& found : links) {
      if (found.index == outside) mtu_ = found.mtu;
    }
    absl::StatusOr<int> bridge = link.LinkIndex(bridge_);
    if (bridge.ok() && in_use_.empty()) {
      RETURN_IF_ERROR(link.DeleteLink(bridge_));
      bridge = absl::NotFoundError("deleted");
    }
    if (bridge.ok()) {
      ASSIGN_OR_RETURN(Ipv4Range address, link.AddressOf(*bridge));
      subnet_ = address.address - 1;
    } else {
      ASSIGN_OR_RETURN(subnet_, ChooseSubnet(link));
      RETURN_IF_ERROR(link.AddBridge(bridge_, mtu_));
      ASSIGN_OR_RETURN(bridge, link.LinkIndex(bridge_));
    }
    bridge_index_ = *bridge;
    // Version 6 would lead around the packet filter.
    const std::string settings = "/proc/sys/net/ipv6/conf/" + bridge_;
    if (access(settings.c_str(), F_OK) == 0) {
      RETURN_IF_ERROR(WriteSetting(settings + "/disable_ipv6", "1"));
    }
    RETURN_IF_ERROR(link.AddAddress(bridge_index_, {subnet_ + 1, kSubnetBits}));
    RETURN_IF_ERROR(link.SetUp(bridge_index_));
    RETURN_IF_ERROR(MakeFirewall());
    RETURN_IF_ERROR(WriteSetting("/proc/sys/net/ipv4/ip_forward", "1"));
    bridge_ready_ = true;
    return absl::OkStatus();
  }

  // The first /20 of the configured ranges that nothing else on this machine uses.
  absl::StatusOr<uint32_t> ChooseSubnet(Netlink& link) REQUIRES(mutex_) {
    ASSIGN_OR_RETURN(std::vector<Ipv4Range> taken, link.ListNetworks());
    for (const std::string& server : options_.nameservers) {
      ASSIGN_OR_RETURN(Ipv4Range address, ParseIpv4Range(server));
      taken.push_back(address);
    }
    for (const std::string& text : options_.ranges) {
      ASSIGN_OR_RETURN(Ipv4Range range, ParseIpv4Range(text));
      for (Ipv4Range subnet{range.address, kSubnetBits}; range.Overlaps(subnet);
           subnet.address += kAddresses) {
        bool is_free = std::none_of(taken.begin(), taken.end(),
                                    [&](const Ipv4Range& other) { return subnet.Overlaps(other); });
        if (is_free) return subnet.address;
      }
    }
    return absl::FailedPreconditionError(
        "no network is free for jobs: all of the configured ones are in use on this machine");
  }

  FirewallPlan Firewall() const REQUIRES(mutex_) {
    return {.instance = options_.instance,
            .bridge = bridge_,
            .subnet = absl::StrCat(Ipv4Text(subnet_), "/", kSubnetBits),
            .nameservers = options_.nameservers,
            .allowed_ranges = options_.allowed_ranges};
  }

  absl::Status MakeFirewall() REQUIRES(mutex_) {
    RemoveFirewall();
    base::Command command;
    command.argv = {"iptables-restore", "--noflush", "--wait"};
    command.environment = {kPath};
    command.input = WriteFirewall(Firewall());
    ASSIGN_OR_RETURN(base::CommandResult result, processes_.Run(command));
    if (result.exit_code == 0) return absl::OkStatus();
    return absl::FailedPreconditionError("iptables-restore: " + result.error);
  }

  void RemoveFirewall() REQUIRES(mutex_) {
    for (std::vector<std::string>& argv : FirewallRemoval(Firewall())) {
      base::Command command;
      command.argv = std::move(argv);
      command.environment = {kPath};
      processes_.Run(command).IgnoreError();  // most often there is nothing to remove
    }
  }

  absl::StatusOr<Prepared> TakeReady(Egress egress) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    std::deque<Prepared>& ready = ready_[egress];
    if (ready.empty()) return absl::NotFoundError("none is ready");
    Prepared prepared = std::move(ready.front());
    ready.pop_front();
    return prepared;
  }

  void Refill(Egress egress) EXCLUDES(mutex_) {
    while (true) {
      {
        base::MutexLock lock(mutex_);
        if (ready_[egress].size() >= static_cast<size_t>(options_.ready_max)) return;
      }
      absl::StatusOr<Prepared> prepared = Make(egress);
      if (!prepared.ok()) return;  // Take will say why
      base::MutexLock lock(mutex_);
      ready_[egress].push_back(*std::move(prepared));
    }
  }

  absl::StatusOr<Prepared> Make(Egress egress) EXCLUDES(mutex_) {
    Prepared prepared;
    ASSIGN_OR_RETURN(prepared.namespaces, MakeNamespaces(options_.uid_base, options_.uid_count));
    prepared.network.user_namespace_path = PathOf(prepared.namespaces.user);
    prepared.network.network_namespace_path = PathOf(prepared.namespaces.network);
    if (egress == Egress::kInternet) {
      RETURN_IF_ERROR(Connect(prepared));
    } else {
      RETURN_IF_ERROR(InNetwork(prepared.namespaces.network, [] { return BringUpLoopback(); }));
    }
    return prepared;
  }

  static absl::Status BringUpLoopback() {
    ASSIGN_OR_RETURN(Netlink link, Netlink::Open());
    ASSIGN_OR_RETURN(int loopback, link.LinkIndex("lo"));
    return link.SetUp(loopback);
  }

  absl::Status Connect(Prepared& prepared) EXCLUDES(mutex_) {
    uint32_t number = 0, gateway = 0;
    {
      base::MutexLock lock(mutex_);
      if (!bridge_ready_) {
        if (bridge_status_.ok()) bridge_status_ = MakeBridge();
        RETURN_IF_ERROR(bridge_status_);
      }
      ASSIGN_OR_RETURN(number, ReserveAddress());
      gateway = subnet_ + 1;
    }
    prepared.network.name = LinkName(number);
    prepared.network.address = Ipv4Text(gateway - 1 + number);
    prepared.network.nameservers = options_.nameservers;
    RETURN_IF_ERROR(InNetwork(prepared.namespaces.network, [] { return RefuseVersion6(); }));
    RETURN_IF_ERROR(WithNetlink([&](Netlink& link) {
      return link.AddVeth(prepared.network.name, bridge_index_, mtu_, kJobInterface,
                          prepared.namespaces.network.get());
    }));
    return InNetwork(prepared.namespaces.network, [&]() -> absl::Status {
      RETURN_IF_ERROR(BringUpLoopback());
      ASSIGN_OR_RETURN(Netlink link, Netlink::Open());
      ASSIGN_OR_RETURN(int index, link.LinkIndex(kJobInterface));
      RETURN_IF_ERROR(link.AddAddress(index, {gateway - 1 + number, kSubnetBits}));
      RETURN_IF_ERROR(link.SetUp(index));
      return link.AddDefaultRoute(gateway);
    });
  }

  // For interfaces yet to come; the loopback keeps ::1.
  static absl::Status RefuseVersion6() {
    const std::string path = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
    if (access(path.c_str(), F_OK) != 0) return absl::OkStatus();
    return WriteSetting(path, "1");
  }

  // Round and round, so that an address rests before it is another job's.
  absl::StatusOr<uint32_t> ReserveAddress() REQUIRES(mutex_) {
    for (uint32_t tried = 0; tried < kAddresses; ++tried) {
      uint32_t number = next_address_;
      next_address_ = number + 2 < kAddresses ? number + 1 : kFirstJobAddress;
      const std::string name = LinkName(number);
      if (in_use_.contains(name) || if_nametoindex(name.c_str()) != 0) continue;
      return number;
    }
    return absl::UnavailableError("all addresses of jobs are in use");
  }

  base::Processes& processes_;
  NetworkOptions options_;
  std::string bridge_;
  base::Mutex mutex_;
  std::set<std::string> in_use_ GUARDED_BY(mutex_);  // names of interfaces
  std::map<Egress, std::deque<Prepared>> ready_ GUARDED_BY(mutex_);
  std::map<std::string, Prepared> taken_ GUARDED_BY(mutex_);  // by user namespace path
  absl::Status bridge_status_ GUARDED_BY(mutex_);
  bool bridge_ready_ GUARDED_BY(mutex_) = false;
  uint32_t subnet_ GUARDED_BY(mutex_) = 0;
  uint32_t next_address_ GUARDED_BY(mutex_) = kFirstJobAddress;
  int bridge_index_ = 0;  // these two are set once, before any use
  uint32_t mtu_ = 0;
  std::unique_ptr<base::ThreadExecutor> executor_;  // makes namespaces ahead
};

}  // namespace

std::unique_ptr<Networks> CreateRealNetworks(base::Processes& processes, NetworkOptions options) {
  return std::make_unique<RealNetworks>(processes, std::move(options));
}

}  // namespace trainyard::runtime
