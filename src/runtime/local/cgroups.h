// Replicas' cgroups on this machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/disk.h"
#include "runtime/local/cgroup_layout.h"

namespace trainyard::runtime {

// Threads: any. All but Describe may block.
class Cgroups {
 public:
  virtual ~Cgroups() = default;
  // Once, before the rest.
  virtual absl::Status Start() = 0;
  virtual const CgroupLayout& layout() const = 0;
  // Makes the runner's; crun makes the container's.
  virtual absl::Status Create(const std::string& replica_id) = 0;
  // After the runner's end: kills all that runs in them and returns when nothing is left.
  // DEADLINE_EXCEEDED when something does not die (it waits for a device); try again later. OK when
  // there are none.
  virtual absl::Status Kill(const std::string& replica_id) = 0;
  // After Kill. OK when there are none.
  virtual absl::Status Remove(const std::string& replica_id) = 0;
  // Replicas that have any.
  virtual absl::StatusOr<std::vector<std::string>> List() = 0;
};

absl::StatusOr<std::unique_ptr<Cgroups>> CreateRealCgroups(base::Disk& disk,
                                                           const std::string& instance);

}  // namespace trainyard::runtime
