#include "edge/certificate_names.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace trainyard::edge {
namespace {

// The canonical text of an address; empty when it is none.
std::string CanonicalAddress(const std::string& text) {
  unsigned char address[sizeof(in6_addr)];
  char canonical[INET6_ADDRSTRLEN];
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, text.c_str(), address) == 1) {
      return inet_ntop(family, address, canonical, sizeof(canonical));
    }
  }
  return "";
}

bool IsLabel(absl::string_view label) {
  const auto fits = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-';
  };
  return !label.empty() && label.size() <= 63 && std::all_of(label.begin(), label.end(), fits) &&
         label.front() != '-' && label.back() != '-';
}

bool IsDnsName(absl::string_view name) {
  if (name.size() > 253) return false;
  absl::ConsumePrefix(&name, "*.");
  const std::vector<absl::string_view> labels = absl::StrSplit(name, '.');
  return std::all_of(labels.begin(), labels.end(), IsLabel);
}

}  // namespace

absl::StatusOr<std::string> CertificateName(absl::string_view text) {
  absl::string_view bare = text;
  if (absl::ConsumePrefix(&bare, "[")) absl::ConsumeSuffix(&bare, "]");
  const std::string address = CanonicalAddress(std::string(bare));
  if (address == "0.0.0.0" || address == "::") return "";
  if (!address.empty()) return absl::StrCat("IP:", address);
  const std::string name = absl::AsciiStrToLower(absl::StripSuffix(text, "."));
  if (!IsDnsName(name)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", text, "' cannot be in a certificate: it is neither a DNS name nor an IP address"));
  }
  return absl::StrCat("DNS:", name);
}

NameSet StandingNames() {
  return {"DNS:localhost",
          "IP:127.0.0.1",
          "IP:::1",
          "DNS:*.googleapis.com",
          "DNS:*.storage.googleapis.com",  // bucket names as hosts
          "DNS:*.rep.googleapis.com",      // regional endpoints
          "DNS:*.us.rep.googleapis.com",
          "DNS:*.eu.rep.googleapis.com",
          "DNS:*.pkg.dev",
          "DNS:metadata.google.internal"};
}

std::vector<std::string> StandingSubtrees() {
  return {"localhost", "googleapis.com", "pkg.dev", "google.internal"};
}

}  // namespace trainyard::edge
