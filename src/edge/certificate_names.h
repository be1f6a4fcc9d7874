// The names in a certificate.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trainyard::edge {

// In the form of OpenSSL's configuration: "DNS:localhost", "IP:127.0.0.1". Lower case, addresses in
// their canonical form.
using NameSet = std::set<std::string>;

// INVALID_ARGUMENT for what is neither a DNS name (also "*.example.com") nor an address (also
// "[::1]"); empty for an address that means all addresses.
absl::StatusOr<std::string> CertificateName(absl::string_view text);

// What every server certificate carries: localhost and Google's names.
NameSet StandingNames();

// The DNS subtrees that a CA permits always.
std::vector<std::string> StandingSubtrees();

}  // namespace trainyard::edge
