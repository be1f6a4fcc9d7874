// What this machine has.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/disk.h"
#include "bin/server_config.h"
#include "sched/planner.h"

namespace trainyard::bin {

// What jobs may use: the configuration's, else all processors and nine tenths of the memory.
absl::StatusOr<sched::Machine> MachineOf(base::Disk& disk, const ServerConfig& config);

// `listen` with a port that is free now in place of 0: the certificate's audience and the key files
// name it.
absl::StatusOr<std::string> ResolveListen(const std::string& listen);

// The directory of this program: its runner and init lie beside it.
absl::StatusOr<std::string> ProgramDirectory();

// The first `name` of the usual directories. FAILED_PRECONDITION says how to get it.
absl::StatusOr<std::string> FindProgram(base::Disk& disk, const std::string& name);

}  // namespace trainyard::bin
