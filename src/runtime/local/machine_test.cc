// Jobs on this machine, for real: needs root and crun.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "runtime/local/replica_files.h"
#include "runtime/local/test_machine.h"

namespace trainyard::runtime {
namespace {

using control::Observation;
using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = Observation::Kind;

class MachineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: namespaces, mounts and cgroups";
    if (access("/usr/bin/crun", X_OK) != 0) GTEST_SKIP() << "needs crun";
  }

  TestMachine& machine(Egress egress = Egress::kNone) {
    if (!machine_.has_value()) {
      machine_.emplace(TestMachine::Options{.egress = egress,
                                            .job_program = TEST_JOB,
                                            .runner_path = TEST_RUNNER,
                                            .init_path = TEST_INIT});
    }
    return *machine_;
  }

  // What is left on the machine of replica or server: processes, mounts, cgroups, interfaces,
  // directories.
  std::string Leftovers(const std::string& id) {
    std::string command = absl::StrCat(
        "( pgrep -fa '", machine().root(), "' | grep -v pgrep; grep '", machine().root(),
        "' /proc/*/mountinfo 2>/dev/null; ls -d ", machine().root(), "/state/replicas/", id,
        " 2>/dev/null; find /sys/fs/cgroup -name '", id, "*' 2>/dev/null; ) 2>/dev/null");
    std::string text;
    FILE* pipe = popen(command.c_str(), "r");
    char line[4096];
    while (fgets(line, sizeof(line), pipe) != nullptr) {
      // The shell that looks is no leftover.
      if (std::string(line).find("pgrep") == std::string::npos) text += line;
    }
    pclose(pipe);
    return text;
  }

  std::optional<TestMachine> machine_;
};

TEST_F(MachineTest, Succeeds) {
  control::DesiredReplica replica = machine().Replica("1-1-0-0", {"environment"});
  replica.environment = {{"AIP_MODEL_DIR", "gs://b/model/"}, {"IMAGE", "no"}};
  Observation end = machine().Run(replica);
  ASSERT_EQ(end.kind, Kind::kExited) << end.failure;
  EXPECT_EQ(end.exit.exit_code(), 0);
  EXPECT_EQ(end.exit.signal(), 0);
  EXPECT_EQ(end.exit.stage(), "run");
  EXPECT_GT(end.exit.memory_peak_bytes(), 0u);
  EXPECT_GE(end.exit.ended_unix_us(), end.exit.started_unix_us());
  std::vector<Observation> seen = machine().Seen("1-1-0-0");
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].kind, Kind::kRunning);
  EXPECT_EQ(seen[2].kind, Kind::kGone);
  std::string log = machine().Log("1");
  EXPECT_THAT(log, HasSubstr("1 AIP_MODEL_DIR=gs://b/model/\n"));
  EXPECT_THAT(log, HasSubstr("1 IMAGE=no\n"));
  EXPECT_THAT(log, Not(HasSubstr("IMAGE=yes")));
  EXPECT_THAT(log, HasSubstr("1 in /\n"));
  EXPECT_EQ(Leftovers("1-1-0-0"), "");
}

}  // namespace
}  // namespace trainyard::runtime
