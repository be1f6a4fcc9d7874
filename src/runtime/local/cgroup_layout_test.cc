#include "runtime/local/cgroup_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace trainyard::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string Mount(absl::string_view point, absl::string_view type, absl::string_view options) {
  return absl::StrCat("30 20 0:26 / ", point, " rw,relatime shared:9 - ", type, " cgroup rw,",
                      options, "\n");
}

const std::string kV1Mounts =
    absl::StrCat("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
                 Mount("/sys/fs/cgroup/cpu,cpuacct", "cgroup", "cpu,cpuacct"),
                 Mount("/sys/fs/cgroup/memory", "cgroup", "memory"),
                 Mount("/sys/fs/cgroup/pids", "cgroup", "pids"),
                 Mount("/sys/fs/cgroup/systemd", "cgroup", "xattr,name=systemd"));

TEST(CgroupLayout, V1) {
  auto layout = LayOutCgroups({.mountinfo = kV1Mounts, .swap_is_counted = true}, "ab");
  ASSERT_TRUE(layout.ok()) << layout.status();
  EXPECT_EQ(layout->mode, CgroupMode::kV1);
  EXPECT_EQ(layout->prefix, "/trainyard-ab");
  EXPECT_THAT(layout->hierarchies,
              ElementsAre("/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory",
                          "/sys/fs/cgroup/pids", "/sys/fs/cgroup/systemd"));
  EXPECT_EQ(layout->hidden_mount, "");
  EXPECT_TRUE(layout->swap_is_limited);
  EXPECT_THAT(
      layout->setup_directories,
      ElementsAre("/sys/fs/cgroup/cpu,cpuacct/trainyard-ab", "/sys/fs/cgroup/memory/trainyard-ab",
                  "/sys/fs/cgroup/pids/trainyard-ab", "/sys/fs/cgroup/systemd/trainyard-ab"));
  EXPECT_THAT(layout->setup_moves, IsEmpty());
  EXPECT_THAT(layout->setup_files, IsEmpty());

  ReplicaCgroups cgroups = CgroupsOf(*layout, "7-1-0-0");
  EXPECT_EQ(cgroups.crun_path, "/trainyard-ab/7-1-0-0");
  EXPECT_EQ(cgroups.directories.size(), 4u);
  EXPECT_EQ(cgroups.directories[1], "/sys/fs/cgroup/memory/trainyard-ab/7-1-0-0");
  EXPECT_EQ(cgroups.kill_directory, "/sys/fs/cgroup/pids/trainyard-ab/7-1-0-0");
  EXPECT_EQ(cgroups.runner_directory, "/sys/fs/cgroup/pids/trainyard-ab/7-1-0-0.runner");
}

TEST(CgroupLayout, HybridHidesTheUnifiedMountOnlyWhenItHasControllers) {
  std::string mounts = kV1Mounts + Mount("/sys/fs/cgroup/unified", "cgroup2", "nsdelegate");
  auto empty = LayOutCgroups({.mountinfo = mounts, .unified_controllers = "\n"}, "ab");
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(empty->mode, CgroupMode::kV1);
  EXPECT_EQ(empty->hidden_mount, "");
  auto owns = LayOutCgroups({.mountinfo = mounts, .unified_controllers = "hugetlb\n"}, "ab");
  ASSERT_TRUE(owns.ok());
  EXPECT_EQ(owns->mode, CgroupMode::kHybrid);
  EXPECT_EQ(owns->hidden_mount, "/sys/fs/cgroup/unified");
  EXPECT_EQ(owns->kill_hierarchy, "/sys/fs/cgroup/pids");
}

TEST(CgroupLayout, V2) {
  struct Case {
    const char* name;
    std::string own;
    bool has_jobs_unit;
    std::string prefix;
    std::string unit;  // "" for none
  };
  const Case cases[] = {
      {"from a shell", "0::/user.slice/user-0.slice/session-1.scope\n", false, "/trainyard-ab", ""},
      {"at the root", "0::/\n", false, "/trainyard-ab", ""},
      {"a service", "0::/system.slice/trainyard.service\n", false,
       "/system.slice/trainyard.service/trainyard-ab", "/system.slice/trainyard.service"},
      {"a service, moved to its leaf before", "0::/system.slice/trainyard.service/unit\n", false,
       "/system.slice/trainyard.service/trainyard-ab", "/system.slice/trainyard.service"},
      {"a unit for jobs", "0::/system.slice/trainyard.service\n", true,
       "/system.slice/trainyard-jobs.service/trainyard-ab", "/system.slice/trainyard-jobs.service"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    auto layout = LayOutCgroups({.mountinfo = Mount("/sys/fs/cgroup", "cgroup2", "nsdelegate"),
                                 .own_cgroups = c.own,
                                 .unified_controllers = "cpuset cpu io memory pids\n",
                                 .has_jobs_unit = c.has_jobs_unit},
                                "ab");
    ASSERT_TRUE(layout.ok()) << layout.status();
    EXPECT_EQ(layout->mode, CgroupMode::kV2);
    EXPECT_EQ(layout->prefix, c.prefix);
    EXPECT_THAT(layout->hierarchies, ElementsAre("/sys/fs/cgroup"));
    const std::string unit = "/sys/fs/cgroup" + c.unit, enable = "+cpu +memory +pids";
    EXPECT_THAT(layout->setup_files,
                ElementsAre(Pair(unit + "/cgroup.subtree_control", enable),
                            Pair("/sys/fs/cgroup" + c.prefix + "/cgroup.subtree_control", enable)));
    if (c.unit.empty()) {
      EXPECT_THAT(layout->setup_moves, IsEmpty());
    } else {
      EXPECT_THAT(layout->setup_moves, ElementsAre(Pair(unit, unit + "/unit")));
      EXPECT_EQ(layout->setup_directories[0], unit + "/unit");
    }
    EXPECT_EQ(layout->setup_directories.back(), "/sys/fs/cgroup" + c.prefix);
  }
}

TEST(CgroupLayout, SaysWhatIsMissing) {
  struct Case {
    CgroupFacts facts;
    const char* want;
  };
  const Case cases[] = {
      {{.mountinfo = ""}, "no cgroup file system"},
      {{.mountinfo = "garbage\n\n1 2\n"}, "no cgroup file system"},
      {{.mountinfo = Mount("/c/cpu", "cgroup", "cpu") + Mount("/c/pids", "cgroup", "pids")},
       "\"memory\""},
      {{.mountinfo = Mount("/c", "cgroup2", "x"), .unified_controllers = "cpu memory"}, "\"pids\""},
  };
  for (const Case& c : cases) {
    auto layout = LayOutCgroups(c.facts, "ab");
    ASSERT_EQ(layout.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(layout.status().message()), HasSubstr(c.want));
  }
}

}  // namespace
}  // namespace trainyard::runtime
