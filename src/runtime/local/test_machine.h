// A real machine for tests and benchmarks: temporary directories, a root filesystem with one static
// program, and everything that is observed.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/process.h"
#include "logs/logs.h"
#include "runtime/local/replica_files.h"
#include "runtime/runtime.h"

namespace trainyard::runtime {

class FixedImages : public Images {
 public:
  absl::StatusOr<PreparedImage> Prepare(const std::string& image_uri,
                                        const std::function<void(const std::string&)>&) override {
    return FindPrepared(image_uri);
  }
  absl::StatusOr<PreparedImage> FindPrepared(const std::string& image_uri) override {
    if (image_uri != "test") return absl::NotFoundError("no image " + image_uri);
    return image;
  }
  absl::Status Check(const std::string& image_uri) override {
    return FindPrepared(image_uri).status();
  }
  std::vector<std::string> PackageCommand(
      const google::cloud::aiplatform::v1::PythonPackageSpec& spec) override {
    return {"/job", "print", spec.python_module()};
  }

  PreparedImage image;
};

class FixedBuckets : public GcsBuckets {
 public:
  absl::StatusOr<std::vector<BucketMount>> List(const std::string& project) override {
    auto found = buckets.find(project);
    return found == buckets.end() ? std::vector<BucketMount>() : found->second;
  }

  std::map<std::string, std::vector<BucketMount>> buckets;
};

// Directories that outlive a server; Boot and Shutdown are the server's.
class TestMachine {
 public:
  static constexpr uint32_t kUidBase = 100'000;

  struct Options {
    Egress egress = Egress::kNone;
    int64_t processes_max = 256;
    std::string job_program;
    std::string runner_path, init_path;
  };

  explicit TestMachine(Options options) : options_(std::move(options)) {
    char name[] = "/tmp/trainyard-test-XXXXXX";
    CHECK(mkdtemp(name) != nullptr);
    root_ = name;
    for (const char* directory : {"/layer", "/buckets"}) {
      CHECK(mkdir((root_ + directory).c_str(), 0755) == 0);
    }
    std::filesystem::copy_file(options_.job_program, root_ + "/layer/job");
    for (const char* path : {"/layer", "/layer/job"}) {
      CHECK(chown((root_ + path).c_str(), kUidBase, kUidBase) == 0);
    }
    images.image.layers = {root_ + "/layer"};
    images.image.environment = {"IMAGE=yes", "PATH=/"};
    Boot();
  }

  ~TestMachine() {
    if (machine_ != nullptr) {
      SetDesired({});
      for (const std::string& id : Ids()) WaitFor(id, control::Observation::Kind::kGone);
      Shutdown();
    }
    CHECK(disk_.RemoveTree(root_).ok());
  }

  void Boot() {
    executor_ = std::make_unique<base::ThreadExecutor>("runtime");
    workers_ = std::make_unique<base::ThreadPool>("workers", 4, 1000);
    MachineOptions options;
    options.state_directory = root_ + "/state";
    CHECK(disk_.MakeDirectories(options.state_directory, 0700).ok());
    options.runner_path = options_.runner_path;
    options.init_path = options_.init_path;
    options.egress = options_.egress;
    options.settings.crun_path = "/usr/bin/crun";
    options.settings.log_root = root_ + "/logs";
    options.settings.processes_max = options_.processes_max;
    options.settings.uid_base = kUidBase;
    auto machine = Machine::Create({.executor = *executor_,
                                    .workers = *workers_,
                                    .clock = clock_,
                                    .disk = disk_,
                                    .processes = processes_,
                                    .images = images,
                                    .buckets = buckets},
                                   options);
    CHECK(machine.ok());
    machine_ = *std::move(machine);
    absl::Status status = machine_->runtime().Start(
        [this](control::Observation observation) { Observe(std::move(observation)); });
    if (!status.ok()) base::Log(base::Severity::kError, status.message());
    CHECK(status.ok());
  }

  // As a kill -9 leaves it: replicas run on, nothing is removed.
  void Shutdown() {
    machine_->Stop();
    executor_.reset();
    workers_.reset();
    machine_.reset();
    base::MutexLock lock(mutex_);
    observations_.clear();
  }

  control::DesiredReplica Replica(const std::string& id, std::vector<std::string> arguments) {
    control::DesiredReplica replica;
    replica.replica_id = id;
    replica.job_id = id.substr(0, id.find('-'));
    replica.project = "p";
    replica.task_name = "workerpool0-0";
    replica.host_name = "host-0";
    auto& container = *replica.pool.mutable_container_spec();
    container.set_image_uri("test");
    container.add_command("/job");
    for (std::string& argument : arguments) container.add_args(std::move(argument));
    replica.need.set_cpu_milli(1000);
    replica.need.set_memory_bytes(256 << 20);
    return replica;
  }

  void SetDesired(std::vector<control::DesiredReplica> replicas) {
    machine_->runtime().SetDesired(std::move(replicas));
  }

  // The first observation of that kind; fails the test after half a minute.
  control::Observation WaitFor(const std::string& id, control::Observation::Kind kind) {
    base::MutexLock lock(mutex_);
    absl::Duration due = clock_.Monotonic() + absl::Seconds(30);
    while (true) {
      for (const control::Observation& seen : observations_[id]) {
        if (seen.kind == kind) return seen;
      }
      if (clock_.Monotonic() >= due) {
        ADD_FAILURE() << "replica " << id << ": no observation of kind " << static_cast<int>(kind);
        return {};
      }
      changed_.WaitFor(mutex_, absl::Seconds(1));
    }
  }

  std::vector<control::Observation> Seen(const std::string& id) {
    base::MutexLock lock(mutex_);
    return observations_[id];
  }

  // Runs one job to its end and has it removed.
  control::Observation Run(control::DesiredReplica replica) {
    const std::string id = replica.replica_id;
    SetDesired({std::move(replica)});
    control::Observation end = WaitForEnd(id);
    SetDesired({});
    WaitFor(id, control::Observation::Kind::kGone);
    return end;
  }

  control::Observation WaitForEnd(const std::string& id) {
    base::MutexLock lock(mutex_);
    absl::Duration due = clock_.Monotonic() + absl::Seconds(60);
    while (clock_.Monotonic() < due) {
      for (const control::Observation& seen : observations_[id]) {
        if (seen.kind != control::Observation::Kind::kRunning) return seen;
      }
      changed_.WaitFor(mutex_, absl::Seconds(1));
    }
    ADD_FAILURE() << "replica " << id << " does not end";
    return {};
  }

  // All lines of a job's log, each with its stream: "1 text" for stdout, "2" for stderr.
  std::string Log(const std::string& job_id) {
    logs::Reader reader(disk_, root_ + "/logs");
    std::string text;
    logs::Cursor cursor;
    while (true) {
      auto lines = reader.Read(job_id, cursor, {});
      if (!lines.ok() || lines->empty()) return text;
      for (const logs::TaskLine& line : *lines) {
        absl::StrAppend(&text, static_cast<int>(line.line.stream) + 1, " ", line.line.text, "\n");
      }
    }
  }

  // Once it was seen running. Empty: it has none.
  std::string InterfaceOf(const std::string& id) { return Spec(id).network_name(); }
  std::string AddressOf(const std::string& id) { return Spec(id).network_address(); }
  // What crun was told.
  std::string ConfigOf(const std::string& id) {
    base::MutexLock lock(mutex_);
    return configs_[id];
  }

  const std::string& root() const { return root_; }
  std::string instance() const { return InstanceOf(root_ + "/state"); }
  base::RealDisk& disk() { return disk_; }

  FixedImages images;
  FixedBuckets buckets;

 private:
  trainyard::runner::v1::ReplicaSpec Spec(const std::string& id) {
    base::MutexLock lock(mutex_);
    return specs_[id];
  }

  // Remembers the spec while the replica's directory is there.
  void Observe(control::Observation observation) {
    base::MutexLock lock(mutex_);
    ReplicaFiles files{absl::StrCat(root_, "/state/replicas/", observation.replica_id)};
    trainyard::runner::v1::ReplicaSpec spec;
    if (spec.ParseFromString(disk_.Read(files.spec()).value_or("")) && spec.version() == 1) {
      specs_[observation.replica_id] = spec;
      configs_[observation.replica_id] = disk_.Read(files.config()).value_or("");
    }
    observations_[observation.replica_id].push_back(std::move(observation));
    changed_.NotifyAll();
  }

  std::vector<std::string> Ids() {
    base::MutexLock lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& [id, seen] : observations_) {
      if (seen.empty() || seen.back().kind != control::Observation::Kind::kGone) ids.push_back(id);
    }
    return ids;
  }

  const Options options_;
  std::string root_;
  base::RealClock clock_;
  base::RealDisk disk_;
  base::RealProcesses processes_;
  base::Mutex mutex_;
  base::ConditionVariable changed_;
  std::map<std::string, std::vector<control::Observation>> observations_ GUARDED_BY(mutex_);
  std::map<std::string, trainyard::runner::v1::ReplicaSpec> specs_ GUARDED_BY(mutex_);
  std::map<std::string, std::string> configs_ GUARDED_BY(mutex_);
  std::unique_ptr<base::ThreadExecutor> executor_;
  std::unique_ptr<base::ThreadPool> workers_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace trainyard::runtime
