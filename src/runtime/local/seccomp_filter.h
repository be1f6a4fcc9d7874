// The system calls that a job may make, as a compiled BPF program.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace trainyard::runtime {

// For the native architecture; calls of another are refused by killing the process. A call that is
// not allowed fails with EPERM, one that the kernel may not know yet with ENOSYS, so that libc
// falls back. Compiling takes milliseconds: do it once.
absl::StatusOr<std::string> CompileSeccompFilter();

}  // namespace trainyard::runtime
