#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/local/firewall.h"
#include "runtime/local/netlink.h"

namespace trainyard::runtime {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Ipv4, ParsesAndPrints) {
  struct Case {
    const char* text;
    bool ok;
    uint32_t address = 0;
    int bits = 0;
  };
  const Case cases[] = {{"10.0.0.0/8", true, 0x0a000000, 8},
                        {"1.2.3.4", true, 0x01020304, 32},
                        {"0.0.0.0/0", true, 0, 0},
                        {"1.2.3", false},
                        {"1.2.3.4/33", false},
                        {"1.2.3.4/-1", false},
                        {"1.2.3.4/8/9", false},
                        {"fe80::1", false},
                        {"", false}};
  for (const Case& c : cases) {
    absl::StatusOr<Ipv4Range> range = ParseIpv4Range(c.text);
    EXPECT_EQ(range.ok(), c.ok) << c.text;
    if (!range.ok()) continue;
    EXPECT_EQ(range->address, c.address) << c.text;
    EXPECT_EQ(range->prefix_bits, c.bits) << c.text;
  }
  EXPECT_EQ(Ipv4Text(0xc0a80001), "192.168.0.1");
}

TEST(Ipv4, Overlaps) {
  auto overlaps = [](const char* a, const char* b) {
    return ParseIpv4Range(a)->Overlaps(*ParseIpv4Range(b));
  };
  EXPECT_TRUE(overlaps("10.0.0.0/8", "10.1.2.3"));
  EXPECT_TRUE(overlaps("10.1.2.3", "10.0.0.0/8"));
  EXPECT_TRUE(overlaps("0.0.0.0/0", "1.1.1.1"));
  EXPECT_FALSE(overlaps("10.0.0.0/16", "10.1.0.0/16"));
}

// The order of rules is what makes them right.
TEST(Firewall, ExceptionsStandBeforeWhatTheyExcept) {
  FirewallPlan plan{.instance = "ab",
                    .bridge = "tyab",
                    .subnet = "10.211.0.0/20",
                    .nameservers = {"10.0.0.53"},
                    .allowed_ranges = {"10.7.0.0/16"}};
  const std::string text = WriteFirewall(plan);
  const char* in_order[] = {
      "-A TRAINYARD-ab-OUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n",
      "-A TRAINYARD-ab-OUT ! -s 10.211.0.0/20 -j DROP\n",
      "-A TRAINYARD-ab-OUT -d 10.0.0.53 -p udp --dport 53 -j ACCEPT\n",
      "-A TRAINYARD-ab-OUT -d 10.7.0.0/16 -j ACCEPT\n",
      "-A TRAINYARD-ab-OUT -d 10.0.0.0/8 -j REJECT\n",
      "-A TRAINYARD-ab-OUT -d 169.254.0.0/16 -j REJECT\n",
      "-A TRAINYARD-ab-OUT -j ACCEPT\n",
      "-A TRAINYARD-ab-IN -j DROP\n",
      "-A TRAINYARD-ab-HOST -j REJECT\n",
      "-I FORWARD -i tyab -j TRAINYARD-ab-OUT\n",
      "-I INPUT -i tyab -j TRAINYARD-ab-HOST\n",
      "COMMIT\n*nat\n",
      "-A TRAINYARD-ab-NAT ! -d 10.211.0.0/20 -j MASQUERADE\n",
      "-I POSTROUTING -s 10.211.0.0/20 -j TRAINYARD-ab-NAT\nCOMMIT\n",
  };
  size_t place = 0;
  for (const char* rule : in_order) {
    size_t found = text.find(rule, place);
    EXPECT_NE(found, std::string::npos) << rule << "is not in its place in\n" << text;
    if (found != std::string::npos) place = found;
  }
  // Four jumps; four chains, each flushed and deleted.
  EXPECT_THAT(FirewallRemoval(plan), SizeIs(4 + 2 * 4));
}

}  // namespace
}  // namespace trainyard::runtime
