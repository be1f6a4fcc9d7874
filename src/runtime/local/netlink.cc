#include "runtime/local/netlink.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"

namespace trainyard::runtime {
namespace {

uint32_t MaskOf(int prefix_bits) {
  return prefix_bits == 0 ? 0 : ~uint32_t{0} << (32 - prefix_bits);
}

// Walks the attributes of a message from `offset` to its end.
void ForEachAttribute(absl::string_view bytes,
                      absl::FunctionRef<void(uint16_t, absl::string_view)> visit) {
  while (bytes.size() >= sizeof(rtattr)) {
    rtattr header;
    memcpy(&header, bytes.data(), sizeof(header));
    if (header.rta_len < sizeof(header) || header.rta_len > bytes.size()) return;
    visit(header.rta_type, bytes.substr(sizeof(header), header.rta_len - sizeof(header)));
    bytes.remove_prefix(std::min<size_t>(RTA_ALIGN(header.rta_len), bytes.size()));
  }
}

template <typename T>
T Read(absl::string_view bytes) {
  T value = {};
  if (bytes.size() >= sizeof(T)) memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

// Calls `visit` with type and payload of each message in `bytes`.
void ForEachMessage(absl::string_view bytes,
                    absl::FunctionRef<void(uint16_t, absl::string_view)> visit) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header = Read<nlmsghdr>(bytes);
    if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > bytes.size()) return;
    visit(header.nlmsg_type, bytes.substr(sizeof(header), header.nlmsg_len - sizeof(header)));
    bytes.remove_prefix(std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), bytes.size()));
  }
}

}  // namespace

bool Ipv4Range::Overlaps(const Ipv4Range& other) const {
  uint32_t mask = MaskOf(std::min(prefix_bits, other.prefix_bits));
  return (address & mask) == (other.address & mask);
}

absl::StatusOr<Ipv4Range> ParseIpv4Range(absl::string_view text) {
  std::vector<std::string> parts = absl::StrSplit(text, '/');
  in_addr address;
  Ipv4Range range;
  if (parts.size() > 2 || inet_pton(AF_INET, parts[0].c_str(), &address) != 1 ||
      (parts.size() == 2 && (!absl::SimpleAtoi(parts[1], &range.prefix_bits) ||
                             range.prefix_bits < 0 || range.prefix_bits > 32))) {
    return absl::InvalidArgumentError(absl::StrCat("not an IPv4 range: \"", text, "\""));
  }
  range.address = ntohl(address.s_addr);
  return range;
}

std::string Ipv4Text(uint32_t address) {
  return absl::StrCat(address >> 24, ".", (address >> 16) & 0xff, ".", (address >> 8) & 0xff, ".",
                      address & 0xff);
}

// A request under construction.
class Netlink::Message {
 public:
  template <typename Header>
  Message(uint16_t type, uint16_t flags, const Header& header) {
    bytes_.resize(NLMSG_HDRLEN);
    nlmsghdr start = {};
    start.nlmsg_type = type;
    start.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    memcpy(bytes_.data(), &start, sizeof(start));
    Append(&header, sizeof(header));
  }

  Message& Attribute(uint16_t type, absl::string_view value) {
    size_t place = Begin(type);
    Append(value.data(), value.size());
    End(place);
    return *this;
  }
  Message& Text(uint16_t type, const std::string& text) {
    return Attribute(type, absl::string_view(text.c_str(), text.size() + 1));
  }
  template <typename T>
  Message& Value(uint16_t type, T value) {
    return Attribute(type, absl::string_view(reinterpret_cast<const char*>(&value), sizeof(value)));
  }
  // Opens an attribute that holds others, up to End.
  size_t Begin(uint16_t type) {
    rtattr header = {};
    header.rta_type = type;
    size_t place = bytes_.size();
    Append(&header, sizeof(header));
    return place;
  }
  void End(size_t place) {
    uint16_t length = static_cast<uint16_t>(bytes_.size() - place);
    memcpy(&bytes_[place], &length, sizeof(length));
    bytes_.resize(RTA_ALIGN(bytes_.size()));
  }
  void Append(const void* data, size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
    bytes_.resize(RTA_ALIGN(bytes_.size()));
  }
  const std::string& Finish(uint32_t sequence) {
    nlmsghdr start = Read<nlmsghdr>(bytes_);
    start.nlmsg_len = static_cast<uint32_t>(bytes_.size());
    start.nlmsg_seq = sequence;
    memcpy(bytes_.data(), &start, sizeof(start));
    return bytes_;
  }

 private:
  std::string bytes_;
};

absl::StatusOr<Netlink> Netlink::Open() {
  base::Descriptor opened(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!opened.valid()) return base::ErrnoStatus(errno, "open a netlink socket");
  return Netlink(std::move(opened));
}

absl::Status Netlink::Dump(Message& message, absl::string_view what, std::string& answer) {
  const std::string& request = message.Finish(++sequence_);
  if (send(socket_.get(), request.data(), request.size(), 0) < 0) {
    return base::ErrnoStatus(errno, what);
  }
  std::string buffer(64 << 10, '\0');
  int error_number = -1;  // none yet
  while (error_number < 0) {
    ssize_t count = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::ErrnoStatus(errno, what);
    absl::string_view received(buffer.data(), static_cast<size_t>(count));
    ForEachMessage(received, [&](uint16_t type, absl::string_view payload) {
      if (type == NLMSG_DONE) error_number = 0;
      if (type == NLMSG_ERROR) error_number = -Read<int>(payload);
    });
    answer.append(received.data(), received.size());
  }
  return error_number == 0 ? absl::OkStatus() : base::ErrnoStatus(error_number, what);
}

absl::Status Netlink::Send(Message& message, absl::string_view what) {
  std::string answer;
  return Dump(message, what, answer);
}

absl::StatusOr<std::vector<Link>> Netlink::ListLinks() {
  ifinfomsg header = {};
  Message message(RTM_GETLINK, NLM_F_DUMP, header);
  std::string answer;
  RETURN_IF_ERROR(Dump(message, "list interfaces", answer));
  std::vector<Link> links;
  ForEachMessage(answer, [&](uint16_t type, absl::string_view payload) {
    if (type != RTM_NEWLINK || payload.size() < sizeof(ifinfomsg)) return;
    Link link;
    link.index = Read<ifinfomsg>(payload).ifi_index;
    ForEachAttribute(payload.substr(NLMSG_ALIGN(sizeof(ifinfomsg))),
                     [&](uint16_t attribute, absl::string_view value) {
                       if (attribute == IFLA_IFNAME)
                         link.name = std::string(value.substr(0, value.find('\0')));
                       if (attribute == IFLA_MTU) link.mtu = Read<uint32_t>(value);
                     });
    links.push_back(std::move(link));
  });
  return links;
}

absl::StatusOr<std::vector<Ipv4Range>> Netlink::ListNetworks() {
  std::vector<Ipv4Range> ranges;
  std::string answer;
  ifaddrmsg address_header = {};
  address_header.ifa_family = AF_INET;
  Message addresses(RTM_GETADDR, NLM_F_DUMP, address_header);
  RETURN_IF_ERROR(Dump(addresses, "list addresses", answer));
  rtmsg route_header = {};
  route_header.rtm_family = AF_INET;
  Message routes(RTM_GETROUTE, NLM_F_DUMP, route_header);
  RETURN_IF_ERROR(Dump(routes, "list routes", answer));
  ForEachMessage(answer, [&](uint16_t type, absl::string_view payload) {
    if (type != RTM_NEWADDR && type != RTM_NEWROUTE) return;
    const bool is_route = type == RTM_NEWROUTE;
    const int bits =
        is_route ? Read<rtmsg>(payload).rtm_dst_len : Read<ifaddrmsg>(payload).ifa_prefixlen;
    if (bits == 0) return;
    const size_t header = NLMSG_ALIGN(is_route ? sizeof(rtmsg) : sizeof(ifaddrmsg));
    const uint16_t wanted = static_cast<uint16_t>(is_route ? int{RTA_DST} : int{IFA_ADDRESS});
    ForEachAttribute(payload.substr(std::min(header, payload.size())),
                     [&](uint16_t attribute, absl::string_view value) {
                       if (attribute != wanted || value.size() != sizeof(uint32_t)) return;
                       ranges.push_back({ntohl(Read<uint32_t>(value)), bits});
                     });
  });
  return ranges;
}

absl::StatusOr<Ipv4Range> Netlink::AddressOf(int link) {
  std::string answer;
  ifaddrmsg header = {};
  header.ifa_family = AF_INET;
  Message message(RTM_GETADDR, NLM_F_DUMP, header);
  RETURN_IF_ERROR(Dump(message, "list addresses", answer));
  absl::StatusOr<Ipv4Range> range = absl::NotFoundError("the interface has no address");
  ForEachMessage(answer, [&](uint16_t type, absl::string_view payload) {
    const ifaddrmsg found = Read<ifaddrmsg>(payload);
    if (type != RTM_NEWADDR || static_cast<int>(found.ifa_index) != link) return;
    ForEachAttribute(payload.substr(std::min(NLMSG_ALIGN(sizeof(ifaddrmsg)), payload.size())),
                     [&](uint16_t attribute, absl::string_view value) {
                       if (attribute != IFA_LOCAL || range.ok()) return;
                       range = Ipv4Range{ntohl(Read<uint32_t>(value)), found.ifa_prefixlen};
                     });
  });
  return range;
}

absl::StatusOr<int> Netlink::DefaultLink() {
  std::string answer;
  rtmsg header = {};
  header.rtm_family = AF_INET;
  Message message(RTM_GETROUTE, NLM_F_DUMP, header);
  RETURN_IF_ERROR(Dump(message, "list routes", answer));
  int link = 0;
  ForEachMessage(answer, [&](uint16_t type, absl::string_view payload) {
    if (type != RTM_NEWROUTE || Read<rtmsg>(payload).rtm_dst_len != 0 || link != 0) return;
    ForEachAttribute(payload.substr(std::min(NLMSG_ALIGN(sizeof(rtmsg)), payload.size())),
                     [&](uint16_t attribute, absl::string_view value) {
                       if (attribute == RTA_OIF) link = Read<int>(value);
                     });
  });
  return link;
}

absl::Status Netlink::AddBridge(const std::string& name, uint32_t mtu) {
  ifinfomsg header = {};
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, header);
  message.Text(IFLA_IFNAME, name);
  if (mtu != 0) message.Value<uint32_t>(IFLA_MTU, mtu);
  size_t info = message.Begin(IFLA_LINKINFO);
  message.Text(IFLA_INFO_KIND, "bridge");
  message.End(info);
  return Send(message, "make the bridge " + name);
}

absl::Status Netlink::AddVeth(const std::string& name, int bridge, uint32_t mtu,
                              const std::string& peer_name, int peer_network) {
  ifinfomsg header = {};
  header.ifi_flags = header.ifi_change = IFF_UP;
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, header);
  message.Text(IFLA_IFNAME, name).Value<int>(IFLA_MASTER, bridge);
  if (mtu != 0) message.Value<uint32_t>(IFLA_MTU, mtu);
  size_t info = message.Begin(IFLA_LINKINFO);
  message.Text(IFLA_INFO_KIND, "veth");
  size_t data = message.Begin(IFLA_INFO_DATA);
  size_t peer = message.Begin(VETH_INFO_PEER);
  ifinfomsg peer_header = {};
  message.Append(&peer_header, sizeof(peer_header));
  message.Text(IFLA_IFNAME, peer_name).Value<int>(IFLA_NET_NS_FD, peer_network);
  if (mtu != 0) message.Value<uint32_t>(IFLA_MTU, mtu);
  message.End(peer);
  message.End(data);
  message.End(info);
  RETURN_IF_ERROR(Send(message, "make the interface " + name));

  ASSIGN_OR_RETURN(int index, LinkIndex(name));
  ifinfomsg port_header = {};
  port_header.ifi_family = AF_BRIDGE;
  port_header.ifi_index = index;
  Message port(RTM_SETLINK, NLM_F_ACK, port_header);
  size_t options = port.Begin(IFLA_PROTINFO | NLA_F_NESTED);
  port.Value<uint8_t>(IFLA_BRPORT_ISOLATED, 1);
  port.End(options);
  return Send(port, "isolate the port " + name);
}

absl::Status Netlink::DeleteLink(const std::string& name) {
  ifinfomsg header = {};
  Message message(RTM_DELLINK, NLM_F_ACK, header);
  message.Text(IFLA_IFNAME, name);
  std::string answer;
  absl::Status status = Dump(message, "delete the interface " + name, answer);
  if (!status.ok() && if_nametoindex(name.c_str()) == 0) {
    return absl::NotFoundError("no interface " + name);
  }
  return status;
}

absl::Status Netlink::SetUp(int link) {
  ifinfomsg header = {};
  header.ifi_index = link;
  header.ifi_flags = header.ifi_change = IFF_UP;
  Message message(RTM_NEWLINK, NLM_F_ACK, header);
  return Send(message, "bring an interface up");
}

absl::Status Netlink::AddAddress(int link, const Ipv4Range& address) {
  ifaddrmsg header = {};
  header.ifa_family = AF_INET;
  header.ifa_prefixlen = static_cast<uint8_t>(address.prefix_bits);
  header.ifa_index = static_cast<uint32_t>(link);
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, header);
  message.Value<uint32_t>(IFA_LOCAL, htonl(address.address));
  message.Value<uint32_t>(IFA_ADDRESS, htonl(address.address));
  return Send(message, "set the address " + Ipv4Text(address.address));
}

absl::Status Netlink::AddDefaultRoute(uint32_t gateway) {
  rtmsg header = {};
  header.rtm_family = AF_INET;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_BOOT;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_ACK, header);
  message.Value<uint32_t>(RTA_GATEWAY, htonl(gateway));
  return Send(message, "set the default route");
}

absl::StatusOr<int> Netlink::LinkIndex(const std::string& name) {
  ifinfomsg header = {};
  Message message(RTM_GETLINK, NLM_F_ACK, header);
  message.Text(IFLA_IFNAME, name);
  std::string answer;
  absl::Status status = Dump(message, "find the interface " + name, answer);
  if (!status.ok()) return absl::NotFoundError("no interface " + name);
  int index = 0;
  ForEachMessage(answer, [&](uint16_t type, absl::string_view payload) {
    if (type == RTM_NEWLINK) index = Read<ifinfomsg>(payload).ifi_index;
  });
  return index;
}

}  // namespace trainyard::runtime
