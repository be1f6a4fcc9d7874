// How long a start takes, beside raw `crun run` of the same bundle: pairs, one of each in turn.
//
//   start_bench [--pairs=200] [--egress=none|internet]
//
// "exec" is when the job's program reads the clock, its first act. The bound: raw crun does less
// (it mounts nothing, supervises nothing, keeps no log), so no start can take less than its time.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "runtime/local/namespaces.h"
#include "runtime/local/test_machine.h"

namespace trainyard::runtime {
namespace {

using Kind = control::Observation::Kind;

struct RawTimes {
  double exec_ms = 0, exit_ms = 0;
};

// A process that starts `crun run` on demand, in a mount namespace of its own as the runner has it.
class RawCrun {
 public:
  // `bundle` has config.json; `lower` is the layer under its root.
  RawCrun(const std::string& directory, const std::string& lower) : directory_(directory) {
    CHECK(pipe2(request_, O_CLOEXEC) == 0 && pipe2(answer_, O_CLOEXEC) == 0);
    pid_ = fork();
    CHECK(pid_ >= 0);
    if (pid_ == 0) Serve(lower);
  }
  ~RawCrun() {
    close(request_[1]);
    waitpid(pid_, nullptr, 0);
  }

  RawTimes Run() {
    RawTimes times;
    CHECK(write(request_[1], "g", 1) == 1);
    CHECK(read(answer_[0], &times, sizeof(times)) == sizeof(times));
    return times;
  }

 private:
  [[noreturn]] void Serve(const std::string& lower) {
    close(request_[1]);
    CHECK(unshare(CLONE_NEWNS) == 0);
    CHECK(mount("none", "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0);
    umount2("/sys/fs/cgroup/unified", MNT_DETACH);
    base::RealDisk disk;
    for (const char* name : {"/upper", "/work", "/bundle/rootfs"}) {
      CHECK(disk.MakeDirectories(directory_ + name, 0755).ok());
    }
    CHECK(chown((directory_ + "/upper").c_str(), TestMachine::kUidBase, TestMachine::kUidBase) ==
          0);
    const std::string options = absl::StrCat("volatile,lowerdir=", lower, ",upperdir=", directory_,
                                             "/upper,workdir=", directory_, "/work");
    CHECK(mount("overlay", (directory_ + "/bundle/rootfs").c_str(), "overlay",
                MS_NODEV | MS_NOATIME, options.c_str()) == 0);
    char request;
    while (read(request_[0], &request, 1) == 1) {
      RawTimes times = Once();
      CHECK(write(answer_[1], &times, sizeof(times)) == sizeof(times));
    }
    _exit(0);
  }

  RawTimes Once() {
    auto namespaces = MakeNamespaces(TestMachine::kUidBase, 65'536);
    CHECK(namespaces.ok());
    int output[2];
    CHECK(pipe2(output, O_CLOEXEC) == 0);
    base::RealClock clock;
    const absl::Duration start = clock.Monotonic();
    pid_t pid = fork();
    if (pid == 0) {
      dup2(output[1], STDOUT_FILENO);
      dup2(namespaces->user.get(), 10);
      dup2(namespaces->network.get(), 11);
      const std::string root = "--root=" + directory_ + "/crun",
                        bundle = "--bundle=" + directory_ + "/bundle";
      execl("/usr/bin/crun", "crun", root.c_str(), "--cgroup-manager=cgroupfs", "run",
            bundle.c_str(), "raw", nullptr);
      _exit(127);
    }
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    const absl::Duration exit = clock.Monotonic() - start;
    char text[64] = {};
    CHECK(read(output[0], text, sizeof(text) - 1) > 0);
    close(output[0]);
    close(output[1]);
    return {absl::ToDoubleMilliseconds(absl::Seconds(atof(text)) - start),
            absl::ToDoubleMilliseconds(exit)};
  }

  const std::string directory_;
  int request_[2], answer_[2];
  pid_t pid_ = 0;
};

double Quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<size_t>(q * static_cast<double>(values.size())))];
}

void PrintRow(const char* what, const std::vector<double>& values) {
  printf("%-44s p50 %7.2f ms   p90 %7.2f ms   p99 %7.2f ms\n", what, Quantile(values, 0.5),
         Quantile(values, 0.9), Quantile(values, 0.99));
}

class Bench {
 public:
  Bench(TestMachine& machine, int pairs) : machine_(machine), pairs_(pairs) {}

  void Run() {
    // One start to warm up, whose bundle raw crun then uses.
    One("1-0-0-0", /*keep_config=*/true);
    RawCrun raw(machine_.root() + "/raw",
                machine_.root() + "/state/init-layer:" + machine_.root() + "/layer");
    raw.Run();
    for (int i = 0; i < pairs_; ++i) {
      RawTimes times = raw.Run();
      phases_["raw"].push_back(times.exec_ms);
      phases_["raw exit"].push_back(times.exit_ms);
      double ours = One(absl::StrCat(2 + i, "-0-0-0"), false);
      phases_["difference"].push_back(ours - times.exec_ms);
    }
    printf("%d pairs\n", pairs_);
    PrintRow("raw crun run, to exec", phases_["raw"]);
    PrintRow("raw crun run, to exit", phases_["raw exit"]);
    PrintRow("trainyard, desired to exec", phases_["ours"]);
    PrintRow("  desired to the runner's first instruction", phases_["to runner"]);
    PrintRow("  root filesystem, log, cgroup", phases_["to crun"]);
    PrintRow("  crun to exec", phases_["to exec"]);
    PrintRow("  exec to observed", phases_["to observed"]);
    PrintRow("trainyard, desired to exit observed", phases_["ours exit"]);
    PrintRow("to exec, less raw crun (paired)", phases_["difference"]);
  }

 private:
  // Milliseconds from SetDesired to exec.
  double One(const std::string& id, bool keep_config) {
    base::RealClock clock;
    control::DesiredReplica replica = machine_.Replica(id, {"now"});
    const absl::Duration start = clock.Monotonic();
    machine_.SetDesired({replica});
    machine_.WaitFor(id, Kind::kRunning);
    const absl::Duration observed = clock.Monotonic();
    machine_.WaitForEnd(id);
    const absl::Duration ended = clock.Monotonic();
    ReplicaFiles files{absl::StrCat(machine_.root(), "/state/replicas/", id)};
    trainyard::runner::v1::StartRecord record;
    CHECK(record.ParseFromString(machine_.disk().Read(files.started()).value_or("")));
    if (keep_config) KeepConfig();
    machine_.SetDesired({});
    machine_.WaitFor(id, Kind::kGone);
    const std::string log = machine_.Log(replica.job_id);
    const absl::Duration exec = absl::Seconds(atof(log.substr(2).c_str()));
    auto ms = [](absl::Duration from, absl::Duration to) {
      return absl::ToDoubleMilliseconds(to - from);
    };
    const absl::Duration runner = absl::Microseconds(record.runner_monotonic_us());
    const absl::Duration crun = absl::Microseconds(record.crun_monotonic_us());
    phases_["ours"].push_back(ms(start, exec));
    phases_["to runner"].push_back(ms(start, runner));
    phases_["to crun"].push_back(ms(runner, crun));
    phases_["to exec"].push_back(ms(crun, exec));
    phases_["to observed"].push_back(ms(exec, observed));
    phases_["ours exit"].push_back(ms(start, ended));
    return ms(start, exec);
  }

  // What crun is told of every job, but for the name of its cgroup and process 1, which reports to
  // a runner.
  void KeepConfig() {
    std::string config = machine_.ConfigOf("1-0-0-0");
    const std::string directory = machine_.root() + "/raw/bundle";
    CHECK(machine_.disk().MakeDirectories(directory, 0755).ok());
    CHECK(machine_.disk()
              .WriteAtomically(
                  directory + "/config.json",
                  absl::StrReplaceAll(config, {{"1-0-0-0", "raw"}, {"\"/.trainyard/init\",", ""}}),
                  0644)
              .ok());
  }

  TestMachine& machine_;
  const int pairs_;
  std::map<std::string, std::vector<double>> phases_;
};

int Main(int argc, char** argv) {
  int pairs = 200;
  TestMachine::Options options{
      .job_program = BENCH_JOB, .runner_path = BENCH_RUNNER, .init_path = BENCH_INIT};
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "--pairs=") && absl::SimpleAtoi(argument, &pairs)) continue;
    if (argument == "--egress=internet") options.egress = Egress::kInternet;
  }
  TestMachine machine(options);
  Bench(machine, pairs).Run();
  return 0;
}

}  // namespace
}  // namespace trainyard::runtime

int main(int argc, char** argv) { return trainyard::runtime::Main(argc, argv); }
