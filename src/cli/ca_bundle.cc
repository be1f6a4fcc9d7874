#include "cli/ca_bundle.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace trainyard::cli {

std::vector<std::string> SystemBundlePaths() {
  return {"/etc/ssl/certs/ca-certificates.crt",                 // Debian, Alpine, Arch
          "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora
          "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Red Hat
          "/var/lib/ca-certificates/ca-bundle.pem",             // SUSE
          "/etc/ssl/cert.pem"};
}

absl::StatusOr<std::string> MergedBundle(base::Disk& disk,
                                         const std::vector<std::string>& system_paths,
                                         const std::string& ca_file) {
  ASSIGN_OR_RETURN(const std::string ours, disk.Read(ca_file));
  if (!absl::StrContains(ours, "-----BEGIN CERTIFICATE-----")) {
    return absl::InvalidArgumentError(absl::StrCat(ca_file, " holds no certificate"));
  }
  for (const std::string& path : system_paths) {
    const absl::StatusOr<std::string> system = disk.Read(path);
    if (system.ok()) return absl::StrCat(*system, "\n# Trainyard\n", ours);
  }
  return absl::StrCat("# Only Trainyard: this machine has no bundle of CAs of its own.\n", ours);
}

absl::Status WriteMergedBundle(base::Disk& disk, const std::vector<std::string>& system_paths,
                               const std::string& ca_file, const std::string& output) {
  ASSIGN_OR_RETURN(const std::string merged, MergedBundle(disk, system_paths, ca_file));
  const absl::StatusOr<std::string> current = disk.Read(output);
  if (current.ok() && *current == merged) return absl::OkStatus();
  return disk.WriteAtomically(output, merged, 0644);
}

}  // namespace trainyard::cli
