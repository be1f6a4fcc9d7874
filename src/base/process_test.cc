#include "base/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/disk.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trainyard::base {
namespace {

using ::testing::HasSubstr;

Command Shell(std::string script) {
  return Command{.argv = {"sh", "-c", std::move(script)}, .environment = {"PATH=/usr/bin:/bin"}};
}

bool Eventually(const std::function<bool()>& condition) {
  RealClock clock;
  absl::Duration due = clock.Monotonic() + absl::Seconds(20);
  while (!condition()) {
    if (clock.Monotonic() > due) return false;
    std::this_thread::yield();
  }
  return true;
}

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() {
    char name[] = "/tmp/process_test.XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~ProcessTest() override { std::filesystem::remove_all(directory_); }
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  std::string directory_;
  RealDisk disk_;
  RealProcesses processes_;
};

struct RunCase {
  const char* name;
  Command command;
  int exit_code;
  std::string output;
  std::string error;
};

class RunTest : public ::testing::TestWithParam<RunCase> {};

TEST_P(RunTest, Reports) {
  RealProcesses processes;
  absl::StatusOr<CommandResult> result = processes.Run(GetParam().command);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, GetParam().exit_code);
  EXPECT_EQ(result->output, GetParam().output);
  EXPECT_EQ(result->error, GetParam().error);
  EXPECT_FALSE(result->timed_out);
}

INSTANTIATE_TEST_SUITE_P(
    Commands, RunTest,
    ::testing::Values(
        RunCase{"Success", Shell("echo out; echo err >&2"), 0, "out\n", "err\n"},
        RunCase{"ExitCode", Shell("exit 3"), 3, "", ""},
        RunCase{"Signal", Shell("kill -TERM $$"), 143, "", ""},
        RunCase{"Input", Command{.argv = {"cat"}, .input = "some\ninput"}, 0, "some\ninput", ""},
        RunCase{"InputNotRead", Command{.argv = {"true"}, .input = std::string(1 << 20, 'x')}, 0,
                "", ""},
        RunCase{"NoInput", Command{.argv = {"cat"}}, 0, "", ""},
        RunCase{"ExactEnvironment", Command{.argv = {"env"}, .environment = {"A=1", "B=x y"}}, 0,
                "A=1\nB=x y\n", ""},
        RunCase{"RootIsTheDefaultDirectory", Command{.argv = {"pwd"}}, 0, "/\n", ""},
        RunCase{"WorkingDirectory", Command{.argv = {"pwd"}, .working_directory = "/usr"}, 0,
                "/usr\n", ""},
        RunCase{"BackgroundIsNotWaitedFor", Shell("sleep 60 & echo done; kill $!"), 0, "done\n",
                ""},
        RunCase{"SignalsAreDefault", Shell("trap - PIPE; sh -c 'kill -PIPE $$'; echo $?"), 0,
                "141\n", ""},
        RunCase{"OwnSession",
                Shell("read -r pid name state parent group session rest < /proc/self/stat; "
                      "test $session = $$ && echo own"),
                0, "own\n", ""}),
    [](const auto& info) { return info.param.name; });

TEST_F(ProcessTest, KeepsTheLastOutput) {
  absl::StatusOr<CommandResult> result =
      processes_.Run(Shell("head -c 5000000 /dev/zero; printf end"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output.size(), size_t{1} << 20);
  EXPECT_TRUE(result->output.ends_with("end"));
}

TEST_F(ProcessTest, TimeoutKillsTheWholeGroup) {
  Command command = Shell("sleep 1000 & echo $!; wait");
  command.timeout = absl::Milliseconds(200);
  absl::StatusOr<CommandResult> result = processes_.Run(command);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(result->exit_code, 128 + SIGKILL);
  pid_t sleeper = 0;
  ASSERT_TRUE(absl::SimpleAtoi(absl::StripAsciiWhitespace(result->output), &sleeper));
  EXPECT_TRUE(Eventually([&] { return !IdentifyProcess(sleeper).ok(); }));
}

TEST_F(ProcessTest, TimeoutHoldsForAFastWriter) {
  Command command = Shell("exec yes");
  command.timeout = absl::Milliseconds(100);
  absl::StatusOr<CommandResult> result = processes_.Run(command);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->timed_out);
}

TEST_F(ProcessTest, WhatCannotStartIsAnError) {
  struct Case {
    Command command;
    absl::StatusCode code;
    std::string text;
  };
  const Case cases[] = {
      {Command{.argv = {"no-such-program-here"}}, absl::StatusCode::kNotFound,
       "start no-such-program-here in /"},
      {Command{.argv = {"true"}, .working_directory = "/no/such"}, absl::StatusCode::kNotFound,
       "start true in /no/such"},
      {Command{}, absl::StatusCode::kInvalidArgument, "no program"},
  };
  for (const Case& c : cases) {
    for (const absl::Status& status :
         {processes_.Run(c.command).status(), processes_.Start(c.command).status()}) {
      EXPECT_EQ(status.code(), c.code) << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr(c.text));
    }
  }
  Command command = Shell("true");
  command.output_path = "/no/such/file";
  EXPECT_EQ(processes_.Start(command).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ProcessTest, StartAppendsItsOutput) {
  Command command = Shell("echo out; echo err >&2");
  command.output_path = Path("output");
  for (int i = 0; i < 2; ++i) {
    absl::StatusOr<ProcessIdentity> process = processes_.Start(command);
    ASSERT_TRUE(process.ok()) << process.status();
    ASSERT_TRUE(Eventually([&] { return !processes_.IsAlive(*process); }));
  }
  EXPECT_EQ(*disk_.Read(Path("output")), "out\nerr\nout\nerr\n");
}

TEST_F(ProcessTest, ChildrenHaveOnlyTheStandardDescriptors) {
  ASSERT_GE(dup(STDERR_FILENO), 3);  // inheritable on purpose
  Command command = Shell("ls /proc/self/fd");
  absl::StatusOr<CommandResult> result = processes_.Run(command);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "0\n1\n2\n3\n");  // 3 is ls's own
}

TEST_F(ProcessTest, ReapsWhatItStarted) {
  absl::StatusOr<ProcessIdentity> process = processes_.Start(Shell("exit 1"));
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_TRUE(Eventually([&] { return kill(process->pid, 0) != 0 && errno == ESRCH; }));
}

TEST_F(ProcessTest, SignalsOnlyTheProcessMeant) {
  absl::StatusOr<ProcessIdentity> process = processes_.Start(Shell("exec sleep 1000"));
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_TRUE(processes_.IsAlive(*process));
  EXPECT_EQ(*IdentifyProcess(process->pid), *process);

  ProcessIdentity other_start = *process, other_boot = *process;
  other_start.start_ticks += 1;
  other_boot.boot_id = "another";
  for (const ProcessIdentity& other : {other_start, other_boot}) {
    EXPECT_FALSE(processes_.IsAlive(other));
    EXPECT_TRUE(processes_.Signal(other, SIGKILL).ok());
  }
  EXPECT_TRUE(processes_.IsAlive(*process));

  EXPECT_TRUE(processes_.Signal(*process, SIGKILL).ok());
  EXPECT_TRUE(Eventually([&] { return !processes_.IsAlive(*process); }));
  EXPECT_TRUE(processes_.Signal(*process, SIGKILL).ok());
  EXPECT_FALSE(processes_.Signal(ProcessIdentity{}, SIGKILL).ok());
}

TEST_F(ProcessTest, AZombieIsNotAlive) {
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(IdentifyProcess(pid).status().code(), absl::StatusCode::kNotFound);
  ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
}

TEST_F(ProcessTest, StartedProcessesOutliveTheirStarter) {
  absl::StatusOr<ProcessIdentity> process;
  {
    RealProcesses starter;
    process = starter.Start(Shell("exec sleep 1000"));
    ASSERT_TRUE(process.ok()) << process.status();
  }
  EXPECT_TRUE(processes_.IsAlive(*process));
  EXPECT_TRUE(processes_.Signal(*process, SIGKILL).ok());
  ASSERT_EQ(waitpid(process->pid, nullptr, 0), process->pid);
}

TEST_F(ProcessTest, ManyAtOnceFromManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        absl::StatusOr<ProcessIdentity> process = processes_.Start(Shell("exit 0"));
        ASSERT_TRUE(process.ok()) << process.status();
        absl::StatusOr<CommandResult> result = processes_.Run(Shell("echo $$"));
        ASSERT_TRUE(result.ok()) << result.status();
        ASSERT_TRUE(Eventually([&] { return !processes_.IsAlive(*process); }));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace trainyard::base
