// A mount namespace of the calling process's own, in which some files have other contents.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace trainyard::cli {

struct PrivateFile {
  std::string path;  // must be there; links are followed
  std::string contents;
};

// For this process and those that it starts; nothing else sees a change and nothing is left behind.
// Without the right to mount, a user namespace of its own gives it: user and group stay the same
// in it, and there is no other. Call with one thread. FAILED_PRECONDITION says what this machine
// would have to allow.
absl::Status EnterPrivateMounts(const std::vector<PrivateFile>& files);

}  // namespace trainyard::cli
