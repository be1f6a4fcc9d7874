// Google's host names that `trainyard exec` leads to the server, and the files that make a resolver
// find them. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace trainyard::cli {

// Addresses that stand for the server in the hosts file. Nobody listens there: a connection that is
// not led on is refused, and never reaches Google. Both families, because a client that finds only
// one of them in the file asks DNS for the other.
inline constexpr char kMarkerIpv4[] = "127.84.89.68";
inline constexpr char kMarkerIpv6[] = "fd54:7261:696e:7961:7264::1";

// Every regional and global name of Vertex AI's API, Cloud Storage, Cloud Logging, the Resource
// Manager and the token endpoints. Sorted.
std::vector<std::string> RedirectedHosts();

// `current` (/etc/hosts) with `hosts` at the markers and nowhere else.
std::string HostsFile(absl::string_view current, const std::vector<std::string>& hosts);

// `current` (/etc/nsswitch.conf) with "files" as the first source of hosts.
std::string NameServiceSwitch(absl::string_view current);

}  // namespace trainyard::cli
