// The private CA and the server's certificate.
//
// The CA can vouch for the names of this server, for private names and for the names of Google's
// services that `trainyard exec` leads here; its constraint is critical, it signs server
// certificates only and no other CA. Addresses are left unconstrained: BoringSSL, which is in
// Google's gRPC wheels, refuses every chain that has an address in the certificate and a constraint
// on addresses above it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/disk.h"

namespace trainyard::edge {

struct CertificatePaths {
  std::string ca_certificate;      // DIR/ca.pem
  std::string ca_key;              // DIR/ca.key, 0600
  std::string server_certificate;  // DIR/server.pem: chain
  std::string server_key;          // DIR/server.key, 0600
};

struct CertificateOptions {
  std::string directory;
  // DNS names and IP addresses of the server, beside localhost, the machine's own and Google's.
  // 0.0.0.0 and :: say nothing and are left out.
  std::vector<std::string> names;
  std::string host_name;  // the machine's; empty: asked of the kernel
  absl::Duration lifetime = absl::Hours(24 * 90);
  absl::Duration renew_before = absl::Hours(24 * 30);
};

// Makes what is not there; renews the server's certificate when it is due or its names changed. A
// new name that the CA does not permit, or a CA near its end, makes a new CA: then the clients need
// the new bundle, and the log says so. True when something was written.
//
// INVALID_ARGUMENT for a name that is neither a DNS name nor an address; FAILED_PRECONDITION,
// saying which file, for a CA that is there but is no CA or not that of its key.
absl::StatusOr<bool> EnsureCertificates(base::Disk& disk, const base::Clock& clock,
                                        const CertificateOptions& options, CertificatePaths& paths);

// "AA:BB:..." of the SHA-256 of the first certificate of a PEM text, for people to compare.
absl::StatusOr<std::string> CertificateFingerprint(absl::string_view pem);

// When the first certificate of a PEM text ends.
absl::StatusOr<absl::Time> CertificateEnd(absl::string_view pem);

}  // namespace trainyard::edge
