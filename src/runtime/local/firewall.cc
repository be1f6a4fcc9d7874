#include "runtime/local/firewall.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace trainyard::runtime {
namespace {

// RFC 6890, what is not of the public internet.
constexpr const char* kBlockedRanges[] = {"0.0.0.0/8",    "10.0.0.0/8",     "100.64.0.0/10",
                                          "127.0.0.0/8",  "169.254.0.0/16", "172.16.0.0/12",
                                          "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15",
                                          "224.0.0.0/4",  "240.0.0.0/4"};

// A chain's name has at most 28 characters.
std::string Out(const FirewallPlan& plan) {
  return absl::StrCat("TRAINYARD-", plan.instance, "-OUT");
}
std::string In(const FirewallPlan& plan) {
  return absl::StrCat("TRAINYARD-", plan.instance, "-IN");
}
std::string Host(const FirewallPlan& plan) {
  return absl::StrCat("TRAINYARD-", plan.instance, "-HOST");
}
std::string Nat(const FirewallPlan& plan) {
  return absl::StrCat("TRAINYARD-", plan.instance, "-NAT");
}

// Which built-in chain hands which packets to ours.
struct Jump {
  const char* table;
  std::string rule;  // after -I or -D
};

std::vector<Jump> Jumps(const FirewallPlan& plan) {
  return {{"filter", absl::StrCat("FORWARD -i ", plan.bridge, " -j ", Out(plan))},
          {"filter", absl::StrCat("FORWARD -o ", plan.bridge, " -j ", In(plan))},
          {"filter", absl::StrCat("INPUT -i ", plan.bridge, " -j ", Host(plan))},
          {"nat", absl::StrCat("POSTROUTING -s ", plan.subnet, " -j ", Nat(plan))}};
}

constexpr char kAnswers[] = " -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n";

}  // namespace

std::string WriteFirewall(const FirewallPlan& plan) {
  const std::string out = "-A " + Out(plan), in = "-A " + In(plan), host = "-A " + Host(plan);
  std::string text = "*filter\n";
  for (const std::string& chain : {Out(plan), In(plan), Host(plan)}) {
    absl::StrAppend(&text, ":", chain, " - [0:0]\n");
  }
  absl::StrAppend(&text, out, kAnswers);
  // An address that is not the job's own leads nowhere.
  absl::StrAppend(&text, out, " ! -s ", plan.subnet, " -j DROP\n");
  for (const std::string& server : plan.nameservers) {
    for (const char* protocol : {"udp", "tcp"}) {
      absl::StrAppend(&text, out, " -d ", server, " -p ", protocol, " --dport 53 -j ACCEPT\n");
    }
  }
  for (const std::string& range : plan.allowed_ranges) {
    absl::StrAppend(&text, out, " -d ", range, " -j ACCEPT\n");
  }
  for (const char* range : kBlockedRanges) {
    absl::StrAppend(&text, out, " -d ", range, " -j REJECT\n");
  }
  absl::StrAppend(&text, out, " -j ACCEPT\n", in, kAnswers, in, " -j DROP\n", host, kAnswers);
  absl::StrAppend(&text, host, " -j REJECT\n");
  std::string nat = absl::StrCat("*nat\n:", Nat(plan), " - [0:0]\n-A ", Nat(plan), " ! -d ",
                                 plan.subnet, " -j MASQUERADE\n");
  for (const Jump& jump : Jumps(plan)) {
    absl::StrAppend(jump.table == std::string("nat") ? &nat : &text, "-I ", jump.rule, "\n");
  }
  return absl::StrCat(text, "COMMIT\n", nat, "COMMIT\n");
}

std::vector<std::vector<std::string>> FirewallRemoval(const FirewallPlan& plan) {
  std::vector<std::vector<std::string>> commands;
  for (const Jump& jump : Jumps(plan)) {
    std::vector<std::string> command = {"iptables", "-w", "-t", jump.table, "-D"};
    for (const std::string& word : std::vector<std::string>(absl::StrSplit(jump.rule, ' '))) {
      command.push_back(word);
    }
    commands.push_back(std::move(command));
  }
  for (const std::string& chain : {Out(plan), In(plan), Host(plan)}) {
    commands.push_back({"iptables", "-w", "-F", chain});
    commands.push_back({"iptables", "-w", "-X", chain});
  }
  commands.push_back({"iptables", "-w", "-t", "nat", "-F", Nat(plan)});
  commands.push_back({"iptables", "-w", "-t", "nat", "-X", Nat(plan)});
  return commands;
}

}  // namespace trainyard::runtime
