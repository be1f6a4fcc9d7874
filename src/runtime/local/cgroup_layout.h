// Where replicas' cgroups lie: version 1, both at once ("hybrid"), version 2. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace trainyard::runtime {

// What a machine says about its cgroups.
struct CgroupFacts {
  std::string mountinfo;            // /proc/self/mountinfo
  std::string own_cgroups;          // /proc/self/cgroup
  std::string unified_controllers;  // cgroup.controllers at the root of the cgroup2 mount, if any
  bool swap_is_counted = false;     // v1: memory.memsw.limit_in_bytes exists
  // v2: the cgroup of packaging/trainyard-jobs.service is there, under the same parent as our own.
  bool has_jobs_unit = false;
};

enum class CgroupMode { kV1, kHybrid, kV2 };

struct CgroupLayout {
  CgroupMode mode = CgroupMode::kV2;
  std::string prefix;                    // of every replica, as crun sees it: "/trainyard-ab12"
  std::vector<std::string> hierarchies;  // mount points of all controllers in use
  std::string kill_hierarchy;            // the one that lists a replica's processes
  std::string hidden_mount;              // crun must not see it; empty: none
  bool swap_is_limited = false;
  // Once, before the first replica: directories to make, processes to move from one to another,
  // files to write, in this order.
  std::vector<std::string> setup_directories;
  std::vector<std::pair<std::string, std::string>> setup_moves;  // from, to
  std::vector<std::pair<std::string, std::string>> setup_files;  // path, contents
};

// What a replica's container and its runner get.
struct ReplicaCgroups {
  std::string crun_path;                 // cgroupsPath in config.json
  std::vector<std::string> directories;  // of the container, absolute
  std::string kill_directory;            // lists all processes of the container
  std::string runner_directory;          // the runner's own, in the kill hierarchy
};

// `instance` keeps servers on one machine apart. FAILED_PRECONDITION says which controller is
// missing.
absl::StatusOr<CgroupLayout> LayOutCgroups(const CgroupFacts& facts, const std::string& instance);
ReplicaCgroups CgroupsOf(const CgroupLayout& layout, const std::string& replica_id);

}  // namespace trainyard::runtime
