#include "runtime/local/cgroup_layout.h"

#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace trainyard::runtime {
namespace {

constexpr absl::string_view kNeeded[] = {"cpu", "memory", "pids"};
constexpr char kJobsUnit[] = "trainyard-jobs.service";

struct Mounts {
  std::vector<std::string> v1;                    // mount points, named hierarchies too
  std::map<std::string, std::string> controller;  // v1 controller -> mount point
  std::string unified;                            // v2 mount point; empty: none
};

// "36 35 98:0 / /mount/point options [optional ...] - type source super,options"
Mounts ParseMounts(absl::string_view mountinfo) {
  constexpr size_t kMountPoint = 4;
  Mounts mounts;
  for (absl::string_view line : absl::StrSplit(mountinfo, '\n', absl::SkipEmpty())) {
    std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(line, absl::MaxSplits(" - ", 1));
    std::vector<absl::string_view> head = absl::StrSplit(halves.first, ' ');
    std::vector<absl::string_view> tail = absl::StrSplit(halves.second, ' ');
    if (head.size() <= kMountPoint || tail.size() < 3) continue;
    std::string point(head[kMountPoint]);
    if (tail[0] == "cgroup2" && mounts.unified.empty()) mounts.unified = point;
    if (tail[0] != "cgroup") continue;
    bool is_new = false;
    for (absl::string_view option : absl::StrSplit(tail[2], ',')) {
      is_new |= mounts.controller.emplace(std::string(option), point).second && option != "rw" &&
                option != "ro";
    }
    if (is_new) mounts.v1.push_back(point);
  }
  return mounts;
}

// Our own cgroup in version 2: the line "0::/path".
std::string OwnUnifiedPath(absl::string_view own_cgroups) {
  for (absl::string_view line : absl::StrSplit(own_cgroups, '\n')) {
    if (absl::ConsumePrefix(&line, "0::")) return std::string(line);
  }
  return "/";
}

absl::Status MissingController(absl::string_view name) {
  return absl::FailedPreconditionError(
      absl::StrCat("the cgroup controller \"", name, "\" is not available on this machine"));
}

absl::StatusOr<CgroupLayout> LayOutV1(const CgroupFacts& facts, const Mounts& mounts,
                                      const std::string& instance) {
  CgroupLayout layout;
  bool hybrid =
      !mounts.unified.empty() && !absl::StripAsciiWhitespace(facts.unified_controllers).empty();
  layout.mode = hybrid ? CgroupMode::kHybrid : CgroupMode::kV1;
  // crun takes the whole machine for version 2 where it sees controllers there.
  if (hybrid) layout.hidden_mount = mounts.unified;
  for (absl::string_view name : kNeeded) {
    if (!mounts.controller.contains(std::string(name))) return MissingController(name);
  }
  layout.prefix = "/trainyard-" + instance;
  layout.hierarchies = mounts.v1;
  layout.kill_hierarchy = mounts.controller.at("pids");
  layout.swap_is_limited = facts.swap_is_counted;
  for (const std::string& hierarchy : layout.hierarchies) {
    layout.setup_directories.push_back(hierarchy + layout.prefix);
  }
  return layout;
}

// Below a delegated unit, where systemd leaves us alone. What runs in the unit's own cgroup moves
// to a leaf: a cgroup that holds processes cannot hand controllers down.
absl::StatusOr<CgroupLayout> LayOutV2(const CgroupFacts& facts, const Mounts& mounts,
                                      const std::string& instance) {
  CgroupLayout layout;
  layout.mode = CgroupMode::kV2;
  std::vector<absl::string_view> controllers =
      absl::StrSplit(facts.unified_controllers, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  for (absl::string_view name : kNeeded) {
    if (std::find(controllers.begin(), controllers.end(), name) == controllers.end()) {
      return MissingController(name);
    }
  }
  std::string own = OwnUnifiedPath(facts.own_cgroups);
  std::string unit;
  if (facts.has_jobs_unit) {
    unit = own.substr(0, own.rfind('/') + 1) + kJobsUnit;
  } else if (size_t end = own.find(".service"); end != std::string::npos) {
    unit = own.substr(0, end) + ".service";
  }
  const std::string enable = "+" + absl::StrJoin(kNeeded, " +");
  layout.prefix = unit + "/trainyard-" + instance;
  layout.hierarchies = {mounts.unified};
  layout.kill_hierarchy = mounts.unified;
  layout.swap_is_limited = true;
  const std::string unit_directory = mounts.unified + unit;
  if (!unit.empty()) {
    layout.setup_directories.push_back(unit_directory + "/unit");
    layout.setup_moves.emplace_back(unit_directory, unit_directory + "/unit");
  }
  layout.setup_directories.push_back(mounts.unified + layout.prefix);
  layout.setup_files.emplace_back(unit_directory + "/cgroup.subtree_control", enable);
  layout.setup_files.emplace_back(mounts.unified + layout.prefix + "/cgroup.subtree_control",
                                  enable);
  return layout;
}

}  // namespace

absl::StatusOr<CgroupLayout> LayOutCgroups(const CgroupFacts& facts, const std::string& instance) {
  Mounts mounts = ParseMounts(facts.mountinfo);
  if (!mounts.v1.empty()) return LayOutV1(facts, mounts, instance);
  if (!mounts.unified.empty()) return LayOutV2(facts, mounts, instance);
  return absl::FailedPreconditionError("no cgroup file system is mounted on this machine");
}

ReplicaCgroups CgroupsOf(const CgroupLayout& layout, const std::string& replica_id) {
  ReplicaCgroups cgroups;
  cgroups.crun_path = absl::StrCat(layout.prefix, "/", replica_id);
  for (const std::string& hierarchy : layout.hierarchies) {
    cgroups.directories.push_back(hierarchy + cgroups.crun_path);
  }
  cgroups.kill_directory = layout.kill_hierarchy + cgroups.crun_path;
  cgroups.runner_directory = cgroups.kill_directory + ".runner";
  return cgroups;
}

}  // namespace trainyard::runtime
