// Jobs on this machine, for real: needs root and crun.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/descriptor.h"
#include "runtime/local/namespaces.h"
#include "runtime/local/netlink.h"
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

  // What is left on the machine of a replica: processes, mounts, directories, cgroups, interfaces.
  std::string Leftovers(const std::string& id) {
    const std::string place = absl::StrCat(machine().root(), "/state/replicas/", id);
    std::string text = Shell(
        absl::StrCat("pgrep -fa '", place, "'; grep '", place, "' /proc/*/mountinfo; ls -d ", place,
                     "; find /sys/fs/cgroup -path '*-", machine().instance(), "/", id, "*'"));
    const std::string interface = machine().InterfaceOf(id);
    if (!interface.empty() && access(("/sys/class/net/" + interface).c_str(), F_OK) == 0) {
      absl::StrAppend(&text, interface, "\n");
    }
    return text;
  }

  // Standard output of a command, less the shell's own line in a list of processes.
  static std::string Shell(const std::string& command) {
    std::string text;
    FILE* pipe = popen(("( " + command + " ) 2>/dev/null").c_str(), "r");
    char line[4096];
    while (fgets(line, sizeof(line), pipe) != nullptr) {
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

TEST_F(MachineTest, ReportsHowItEnded) {
  struct Case {
    const char* name;
    std::vector<std::string> arguments;
    int exit_code, signal;
    std::string stderr_tail;
  };
  const Case cases[] = {
      {"exit 3", {"exit", "3", "Traceback\nValueError: no\n"}, 3, 0, "Traceback\nValueError: no\n"},
      {"killed by itself", {"signal", "9"}, 137, SIGKILL, ""},
      {"abort", {"abort"}, 134, SIGABRT, ""},
      {"terminated by itself", {"signal", "15"}, 143, SIGTERM, ""},
      {"more than 128", {"exit", "200"}, 200, 0, ""},
      {"leaves a child behind", {"orphans"}, 0, 0, ""},
  };
  int number = 10;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string id = absl::StrCat(++number, "-1-0-0");
    Observation end = machine().Run(machine().Replica(id, c.arguments));
    EXPECT_EQ(end.kind, Kind::kExited) << end.failure;
    EXPECT_EQ(end.exit.exit_code(), c.exit_code);
    EXPECT_EQ(end.exit.signal(), c.signal);
    EXPECT_EQ(end.exit.stderr_tail(), c.stderr_tail);
    EXPECT_FALSE(end.exit.out_of_memory());
    EXPECT_EQ(Leftovers(id), "");
  }
}

TEST_F(MachineTest, ACommandThatIsNoneIsTheJobsFault) {
  struct Case {
    const char* command;
    const char* want;
  };
  const Case cases[] = {{"/nonexistent", "No such file"}, {"/", "Permission denied"}};
  int number = 20;
  for (const Case& c : cases) {
    control::DesiredReplica replica = machine().Replica(absl::StrCat(++number, "-1-0-0"), {});
    replica.pool.mutable_container_spec()->set_command(0, c.command);
    Observation end = machine().Run(replica);
    EXPECT_EQ(end.kind, Kind::kFailed);
    EXPECT_EQ(end.failure.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(end.failure.message()), HasSubstr(c.want));
    EXPECT_EQ(Leftovers(replica.replica_id), "");
  }
}

TEST_F(MachineTest, AnUnknownImageFailsAsTheCatalogueSays) {
  control::DesiredReplica replica = machine().Replica("25-1-0-0", {});
  replica.pool.mutable_container_spec()->set_image_uri("other");
  Observation end = machine().Run(replica);
  EXPECT_EQ(end.kind, Kind::kFailed);
  EXPECT_EQ(end.failure.code(), absl::StatusCode::kNotFound);
}

TEST_F(MachineTest, SeesThatMemoryRanOut) {
  control::DesiredReplica replica = machine().Replica("30-1-0-0", {"allocate", "200"});
  replica.need.set_memory_bytes(64 << 20);
  Observation end = machine().Run(replica);
  ASSERT_EQ(end.kind, Kind::kExited) << end.failure;
  EXPECT_EQ(end.exit.exit_code(), 137);
  EXPECT_TRUE(end.exit.out_of_memory());
  EXPECT_GT(end.exit.memory_peak_bytes(), uint64_t{60} << 20);
  EXPECT_LE(end.exit.memory_peak_bytes(), uint64_t{64} << 20);
  EXPECT_EQ(Leftovers("30-1-0-0"), "");
}

TEST_F(MachineTest, AForkBombIsBounded) {
  Observation end = machine().Run(machine().Replica("31-1-0-0", {"fork-bomb"}));
  ASSERT_EQ(end.kind, Kind::kExited) << end.failure;
  EXPECT_EQ(end.exit.exit_code(), 0);
  std::vector<std::string> words = absl::StrSplit(machine().Log("31"), ' ');
  int forks = 0;
  ASSERT_GT(words.size(), 2u);
  ASSERT_TRUE(absl::SimpleAtoi(words[2], &forks));
  EXPECT_GT(forks, 200);
  EXPECT_LT(forks, 256);
  EXPECT_EQ(Leftovers("31-1-0-0"), "");
}

TEST_F(MachineTest, StopsWithGraceThenForce) {
  struct Case {
    const char* program;
    absl::Duration grace;
    int exit_code;
    const char* log;
    absl::Duration at_most;
  };
  const Case cases[] = {
      {"sleep-save", absl::Seconds(20), 42, "1 ready\n1 saved\n", absl::Seconds(10)},
      // The default action ends it at once, although it is the first process of its job.
      {"sleep", absl::Seconds(20), 143, "1 ready\n", absl::Seconds(10)},
      {"sleep-deaf", absl::Milliseconds(300), 137, "1 ready\n", absl::Seconds(10)},
  };
  base::RealClock clock;
  int number = 40;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.program);
    const std::string job = absl::StrCat(++number), id = job + "-1-0-0";
    control::DesiredReplica replica = machine().Replica(id, {c.program});
    replica.stop_grace = c.grace;
    machine().SetDesired({replica});
    machine().WaitFor(id, Kind::kRunning);
    while (machine().Log(job).empty()) usleep(1000);
    replica.stop = true;
    absl::Duration start = clock.Monotonic();
    machine().SetDesired({replica});
    Observation end = machine().WaitForEnd(id);
    absl::Duration took = clock.Monotonic() - start;
    ASSERT_EQ(end.kind, Kind::kExited) << end.failure;
    EXPECT_EQ(end.exit.exit_code(), c.exit_code);
    EXPECT_EQ(machine().Log(job), c.log);
    EXPECT_LT(took, c.at_most);
    EXPECT_GE(took, c.exit_code == 137 ? c.grace : absl::ZeroDuration());
    machine().SetDesired({});
    machine().WaitFor(id, Kind::kGone);
    EXPECT_EQ(Leftovers(id), "");
  }
}

TEST_F(MachineTest, WhatIsNoLongerDesiredIsKilledAtOnce) {
  machine().SetDesired({machine().Replica("50-1-0-0", {"sleep-deaf"})});
  machine().WaitFor("50-1-0-0", Kind::kRunning);
  machine().SetDesired({});
  machine().WaitFor("50-1-0-0", Kind::kGone);
  EXPECT_EQ(Leftovers("50-1-0-0"), "");
}

TEST_F(MachineTest, ALineOf100MegabytesIsKept) {
  Observation end = machine().Run(machine().Replica("51-1-0-0", {"flood", "100"}));
  ASSERT_EQ(end.kind, Kind::kExited) << end.failure;
  EXPECT_EQ(end.exit.exit_code(), 0);
  logs::Reader reader(machine().disk(), machine().root() + "/logs");
  logs::Cursor cursor;
  size_t bytes = 0;
  while (true) {
    auto lines = reader.Read("51", cursor, {});
    ASSERT_TRUE(lines.ok()) << lines.status();
    if (lines->empty()) break;
    for (const logs::TaskLine& line : *lines) {
      bytes += line.line.text.size();
      EXPECT_LE(line.line.text.size(), size_t{256} << 10);
    }
  }
  EXPECT_EQ(bytes, size_t{100} << 20);
}

TEST_F(MachineTest, AJobWhoseRunnerIsKilledDoesNotRunOn) {
  machine().SetDesired({machine().Replica("60-1-0-0", {"sleep-deaf"})});
  machine().WaitFor("60-1-0-0", Kind::kRunning);
  ReplicaFiles files{machine().root() + "/state/replicas/60-1-0-0"};
  std::vector<std::string> words =
      absl::StrSplit(machine().disk().Read(files.lock()).value_or(""), ' ');
  int runner = 0;
  ASSERT_EQ(words.size(), 3u);
  ASSERT_TRUE(absl::SimpleAtoi(words[1], &runner));
  ASSERT_EQ(kill(runner, SIGKILL), 0);
  Observation end = machine().WaitForEnd("60-1-0-0");
  EXPECT_EQ(end.kind, Kind::kLost);
  // Seen dead before it is reported.
  EXPECT_EQ(Leftovers("60-1-0-0"), machine().root() + "/state/replicas/60-1-0-0\n");
  machine().SetDesired({});
  machine().WaitFor("60-1-0-0", Kind::kGone);
  EXPECT_EQ(Leftovers("60-1-0-0"), "");
}

TEST_F(MachineTest, AnotherServerAdoptsWhatRuns) {
  control::DesiredReplica runs = machine().Replica("61-1-0-0", {"sleep-save"});
  control::DesiredReplica ends = machine().Replica("62-1-0-0", {"exit", "5"});
  control::DesiredReplica forgotten = machine().Replica("63-1-0-0", {"sleep-deaf"});
  machine().SetDesired({runs, ends, forgotten});
  for (const auto* replica : {&runs, &forgotten}) {
    machine().WaitFor(replica->replica_id, Kind::kRunning);
  }
  machine().WaitFor("62-1-0-0", Kind::kExited);
  machine().Shutdown();
  machine().Boot();
  machine().SetDesired({runs, ends});
  machine().WaitFor("61-1-0-0", Kind::kRunning);
  Observation ended = machine().WaitFor("62-1-0-0", Kind::kExited);
  EXPECT_EQ(ended.exit.exit_code(), 5);
  machine().WaitFor("63-1-0-0", Kind::kGone);
  EXPECT_EQ(Leftovers("63-1-0-0"), "");
  EXPECT_EQ(machine().Log("61"), "1 ready\n");

  runs.stop = true;
  machine().SetDesired({runs});
  Observation stopped = machine().WaitForEnd("61-1-0-0");
  while (machine().Seen("61-1-0-0").back().kind == Kind::kRunning) usleep(1000);
  stopped = machine().Seen("61-1-0-0").back();
  EXPECT_EQ(stopped.exit.exit_code(), 42);
  machine().SetDesired({});
  for (const char* id : {"61-1-0-0", "62-1-0-0"}) {
    machine().WaitFor(id, Kind::kGone);
    EXPECT_EQ(Leftovers(id), "");
  }
}

TEST_F(MachineTest, AJobThatEndsWhileNoServerRunsIsReported) {
  control::DesiredReplica replica = machine().Replica("64-1-0-0", {"sleep"});
  machine().SetDesired({replica});
  machine().WaitFor("64-1-0-0", Kind::kRunning);
  ReplicaFiles files{machine().root() + "/state/replicas/64-1-0-0"};
  std::vector<std::string> words =
      absl::StrSplit(machine().disk().Read(files.lock()).value_or(""), ' ');
  int runner = 0;
  ASSERT_TRUE(words.size() == 3 && absl::SimpleAtoi(words[1], &runner));
  machine().Shutdown();
  kill(runner, SIGTERM);
  while (!machine().disk().Stat(files.exit()).ok()) usleep(1000);
  machine().Boot();
  machine().SetDesired({replica});
  EXPECT_EQ(machine().WaitFor("64-1-0-0", Kind::kExited).exit.signal(), SIGTERM);
}

TEST_F(MachineTest, ARunnerKilledWhileNoServerRunsIsLost) {
  control::DesiredReplica replica = machine().Replica("65-1-0-0", {"sleep"});
  machine().SetDesired({replica});
  machine().WaitFor("65-1-0-0", Kind::kRunning);
  std::vector<std::string> words = absl::StrSplit(
      machine().disk().Read(machine().root() + "/state/replicas/65-1-0-0/lock").value_or(""), ' ');
  int runner = 0;
  ASSERT_TRUE(words.size() == 3 && absl::SimpleAtoi(words[1], &runner));
  machine().Shutdown();
  kill(runner, SIGKILL);
  machine().Boot();
  machine().SetDesired({replica});
  machine().WaitFor("65-1-0-0", Kind::kLost);
}

// A server that died between two steps: the next one starts the replica as if new.
TEST_F(MachineTest, HalfPreparedReplicasStartAnew) {
  const std::string directory = machine().root() + "/state/replicas/66-1-0-0";
  machine().Shutdown();
  ASSERT_TRUE(machine().disk().MakeDirectories(directory + "/bundle", 0700).ok());
  machine().Boot();
  Observation end = machine().Run(machine().Replica("66-1-0-0", {"exit", "7"}));
  ASSERT_EQ(end.kind, Kind::kExited) << end.failure;
  EXPECT_EQ(end.exit.exit_code(), 7);
}

TEST_F(MachineTest, TheNextAttemptWaitsForTheEndOfTheLast) {
  machine().SetDesired({machine().Replica("67-1-0-0", {"sleep-deaf"})});
  machine().WaitFor("67-1-0-0", Kind::kRunning);
  // It runs before it has said so: its line must be in the log before it is killed.
  for (int i = 0; i < 1000 && machine().Log("67").empty(); ++i) usleep(10'000);
  machine().SetDesired({machine().Replica("67-2-0-0", {"exit", "0"})});
  Observation second = machine().WaitFor("67-2-0-0", Kind::kRunning);
  // Its processes were gone by then; the report may come a little later.
  Observation first = machine().WaitFor("67-1-0-0", Kind::kGone);
  EXPECT_EQ(machine().Log("67"), "1 ready\n");
}

TEST_F(MachineTest, AJobIsShutIn) {
  int secret = open("/etc/shadow", O_RDONLY);  // not close-on-exec: it must not be inherited
  ASSERT_GE(secret, 0);
  Observation end = machine().Run(machine().Replica("70-1-0-0", {"probe"}));
  close(secret);
  ASSERT_EQ(end.kind, Kind::kExited) << end.failure;
  ASSERT_EQ(end.exit.exit_code(), 0);
  const std::string log = machine().Log("70");
  for (const char* forbidden :
       {"descriptor 3\n", "ALLOWED", "/etc/shadow\n", "/etc/passwd\n", "/sys/class/net/eth0\n"}) {
    EXPECT_THAT(log, Not(HasSubstr(forbidden)));
  }
  for (const char* wanted :
       {"NoNewPrivs:\t1", "Seccomp:\t2", "/etc/hosts\n", "1 host-0\n", "127.0.0.1\thost-0\n",
        "mount: Operation not permitted", "unshare: Operation not permitted",
        "raw socket: Operation not permitted", "vsock: Operation not permitted",
        "CapBnd:\t00000000000405fb"}) {
    EXPECT_THAT(log, HasSubstr(wanted));
  }
  // Its root is nobody on this machine, and of this machine's file systems it sees only its own.
  EXPECT_THAT(log, Not(HasSubstr("/dev/vda")));
  EXPECT_THAT(log, ContainsRegex("/dev/shm rw,nosuid,nodev.*size=131072k"));
}

TEST_F(MachineTest, BucketsAreSharedByAllUsersOfAProjectsJobs) {
  const std::string bucket = machine().root() + "/buckets/b",
                    other = machine().root() + "/buckets/c";
  for (const std::string& path : {bucket, other}) {
    ASSERT_EQ(mkdir(path.c_str(), 0777), 0);
    ASSERT_EQ(chmod(path.c_str(), 0777), 0);
  }
  machine().buckets.buckets = {{"p", {{"b", bucket}}}, {"q", {{"c", other}}}};
  Observation end = machine().Run(machine().Replica("71-1-0-0", {"write", "/gcs/b/root"}));
  EXPECT_EQ(end.exit.exit_code(), 0) << machine().Log("71");
  end = machine().Run(machine().Replica("72-1-0-0", {"write-as", "1000", "/gcs/b/user"}));
  EXPECT_EQ(end.exit.exit_code(), 0) << machine().Log("72");
  machine().images.image.uid = machine().images.image.gid = 1000;
  end = machine().Run(machine().Replica("73-1-0-0", {"write", "/gcs/b/image-user"}));
  EXPECT_EQ(end.exit.exit_code(), 0) << machine().Log("73");
  machine().images.image.uid = machine().images.image.gid = 0;
  end = machine().Run(machine().Replica("74-1-0-0", {"write", "/gcs/c/x"}));
  EXPECT_EQ(end.exit.exit_code(), 6) << "another project's bucket";
  EXPECT_EQ(machine().disk().Read(bucket + "/image-user").value_or(""), "hello\n");
  struct stat info;
  ASSERT_EQ(stat((bucket + "/user").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, TestMachine::kUidBase + 1000);
}

TEST_F(MachineTest, JobsHaveNoCommonFiles) {
  Observation end = machine().Run(machine().Replica("75-1-0-0", {"write", "/tmp/mine"}));
  EXPECT_EQ(end.exit.exit_code(), 0);
  end = machine().Run(machine().Replica("76-1-0-0", {"read", "/tmp/mine"}));
  EXPECT_THAT(machine().Log("76"), HasSubstr("No such file"));
}

TEST_F(MachineTest, ManyAtOnce) {
  std::vector<control::DesiredReplica> replicas;
  for (int i = 0; i < 40; ++i) {
    replicas.push_back(
        machine().Replica(absl::StrCat(100 + i, "-1-0-0"), {"exit", absl::StrCat(i)}));
    replicas.back().need.set_memory_bytes(16 << 20);
  }
  machine().SetDesired(replicas);
  for (int i = 0; i < 40; ++i) {
    Observation end = machine().WaitForEnd(replicas[static_cast<size_t>(i)].replica_id);
    EXPECT_EQ(end.kind, Kind::kExited) << end.failure;
    EXPECT_EQ(end.exit.exit_code(), i);
  }
  machine().SetDesired({});
  for (const auto& replica : replicas) machine().WaitFor(replica.replica_id, Kind::kGone);
  EXPECT_EQ(Leftovers("1"), "");
}

// A machine of the world: another network namespace, reached by an interface of this one, with a
// listener on port 80.
class World {
 public:
  World() {
    auto namespaces = MakeNamespaces(TestMachine::kUidBase, 65'536);
    CHECK(namespaces.ok());
    namespaces_ = *std::move(namespaces);
    forwarding_ = base::RealDisk().Read(kForwarding).value_or("0");
    const std::string place = PathOf(namespaces_.network), inside = "nsenter --net=" + place + " ";
    Shell("ip link add tyworld type veth peer name eth0 netns " + place);
    Shell("ip address add 203.0.113.1/24 dev tyworld; ip link set tyworld up");
    Shell(inside + "ip address add 203.0.113.2/24 dev eth0; " + inside + "ip link set eth0 up; " +
          inside + "ip link set lo up; " + inside + "ip address add 10.99.0.2/32 dev lo");
    Shell("ip route add 10.99.0.2 via 203.0.113.2");
    CHECK(InNetwork(namespaces_.network, [&] { return Listen(outside_); }).ok());
    CHECK(Listen(here_).ok());
  }
  ~World() {
    Shell("ip link del tyworld");
    std::ofstream(kForwarding) << forwarding_;
  }

 private:
  static constexpr char kForwarding[] = "/proc/sys/net/ipv4/ip_forward";

  static void Shell(const std::string& command) {
    EXPECT_EQ(system((command + " >/dev/null 2>&1").c_str()), 0) << command;
  }

  static absl::Status Listen(base::Descriptor& descriptor) {
    descriptor.Reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(8099);
    CHECK(bind(descriptor.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    CHECK(listen(descriptor.get(), 16) == 0);
    return absl::OkStatus();
  }

  NamespacePair namespaces_;
  base::Descriptor outside_, here_;
  std::string forwarding_;
};

TEST_F(MachineTest, EgressReachesTheWorldAndNothingNearer) {
  if (access("/usr/sbin/iptables-restore", X_OK) != 0) GTEST_SKIP() << "needs iptables";
  World world;
  machine(Egress::kInternet).Run(machine().Replica("80-1-0-0", {"exit", "0"}));
  auto job = ParseIpv4Range(machine().AddressOf("80-1-0-0"));
  ASSERT_TRUE(job.ok()) << job.status();
  struct Case {
    const char* name;
    std::string address;
    bool reached;
  };
  const Case cases[] = {
      {"the world", "203.0.113.2", true},
      {"this machine's public address", "203.0.113.1", false},
      {"the bridge", Ipv4Text((job->address & 0xfffff000) + 1), false},
      {"a private address behind it", "10.99.0.2", false},
      {"its own loopback, where nothing listens", "127.0.0.1", false},
      {"link-local", "169.254.169.254", false},
  };
  int number = 80;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string job = absl::StrCat(++number), id = job + "-1-0-0";
    Observation end = machine().Run(machine().Replica(id, {"connect", c.address, "8099"}));
    ASSERT_EQ(end.kind, Kind::kExited) << end.failure;
    EXPECT_EQ(machine().Log(job) == "1 connect: Success\n", c.reached) << machine().Log(job);
    EXPECT_EQ(Leftovers(id), "");
  }
  const std::string interfaces = "ls /sys/class/net | grep " + machine().instance();
  EXPECT_NE(Shell(interfaces), "");
  const std::string instance = machine().instance();
  machine_.reset();
  EXPECT_EQ(Shell("ls /sys/class/net | grep " + instance), "");
  EXPECT_EQ(Shell("iptables -S | grep " + instance + "; iptables -t nat -S | grep " + instance),
            "");
}

TEST_F(MachineTest, JobsDoNotReachEachOther) {
  if (access("/usr/sbin/iptables-restore", X_OK) != 0) GTEST_SKIP() << "needs iptables";
  std::string forwarding = Shell("cat /proc/sys/net/ipv4/ip_forward");
  control::DesiredReplica first =
      machine(Egress::kInternet).Replica("90-1-0-0", {"listen", "8099"});
  machine().SetDesired({first});
  machine().WaitFor("90-1-0-0", Kind::kRunning);
  while (machine().Log("90") != "1 listening\n") usleep(1000);
  const std::string address = machine().AddressOf("90-1-0-0");
  ASSERT_NE(address, "");
  machine().SetDesired({first, machine().Replica("91-1-0-0", {"connect", address, "8099"})});
  machine().WaitFor("91-1-0-0", Kind::kExited);
  EXPECT_THAT(machine().Log("91"), Not(HasSubstr("Success")));
  machine().SetDesired({});
  for (const char* id : {"90-1-0-0", "91-1-0-0"}) {
    machine().WaitFor(id, Kind::kGone);
    EXPECT_EQ(Leftovers(id), "");
  }
  machine_.reset();
  Shell("echo " + forwarding + " > /proc/sys/net/ipv4/ip_forward");
}

TEST_F(MachineTest, WithoutEgressThereIsOnlyTheLoopback) {
  Observation end = machine().Run(machine().Replica("92-1-0-0", {"connect", "203.0.113.2", "80"}));
  ASSERT_EQ(end.kind, Kind::kExited) << end.failure;
  EXPECT_EQ(machine().Log("92"), "1 connect: Network is unreachable\n");
}

}  // namespace
}  // namespace trainyard::runtime
