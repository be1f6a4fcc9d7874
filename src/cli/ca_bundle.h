// The merged CA bundle: what the machine trusts, and our CA.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/disk.h"

namespace trainyard::cli {

// Where distributions keep the bundle of all CAs that the machine trusts.
std::vector<std::string> SystemBundlePaths();

// The first of `system_paths` that is there, then `ca_file`. Where the system has none, only ours:
// then other servers are not trusted, and the text says so in a comment.
absl::StatusOr<std::string> MergedBundle(base::Disk& disk,
                                         const std::vector<std::string>& system_paths,
                                         const std::string& ca_file);

// Writes it to `output`, mode 0644, unless it is there already.
absl::Status WriteMergedBundle(base::Disk& disk, const std::vector<std::string>& system_paths,
                               const std::string& ca_file, const std::string& output);

}  // namespace trainyard::cli
