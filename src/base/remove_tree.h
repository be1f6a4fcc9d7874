// Removal of a directory tree that an untrusted program wrote.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace trainyard::base {

// Removes `path` and everything below it. The directory that holds `path` is trusted, nothing below
// it is: no link is followed, no mount point is entered (FAILED_PRECONDITION names it, what lies
// on it stays), depth and number of entries cost no memory. OK when `path` was not there.
absl::Status RemoveTreeBeneath(const std::string& path);

}  // namespace trainyard::base
