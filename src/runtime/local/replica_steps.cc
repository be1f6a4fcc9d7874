#include "runtime/local/replica_steps.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace trainyard::runtime {
namespace {

// Not durable: after a crash of the machine there is no replica that it could be about.
absl::Status WriteNew(base::Disk& disk, const std::string& path, const std::string& contents) {
  ASSIGN_OR_RETURN(std::unique_ptr<base::AppendFile> file, disk.OpenAppend(path, 0600));
  return file->Append(contents);
}

class DirectoryStep : public Step {
 public:
  const char* name() const override { return "directory"; }
  absl::Status Do(StepTools& tools, ReplicaContext& context) const override {
    return tools.disk.MakeDirectories(context.files.directory, 0700);
  }
  absl::Status Undo(StepTools& tools, ReplicaContext& context) const override {
    return tools.disk.RemoveTree(context.files.directory);
  }
};

// The writable layer is the runner's to make; here is its place, and its end.
class RootFilesystemStep : public Step {
 public:
  const char* name() const override { return "root filesystem"; }
  absl::Status Do(StepTools& tools, ReplicaContext& context) const override {
    // crun stands in it when it has become the job's root, an ordinary user here. Nobody else can:
    // the directories above are closed.
    return tools.disk.MakeDirectories(context.files.bundle(), 0711);
  }
  absl::Status Undo(StepTools& tools, ReplicaContext& context) const override {
    RETURN_IF_ERROR(tools.disk.RemoveTree(context.files.scratch()));
    RETURN_IF_ERROR(tools.disk.RemoveTree(context.files.bundle()));
    return tools.disk.RemoveTree(context.files.crun_root());
  }
};

class NetworkStep : public Step {
 public:
  const char* name() const override { return "network"; }
  absl::Status Do(StepTools& tools, ReplicaContext& context) const override {
    ASSIGN_OR_RETURN(context.network, tools.networks.Take(tools.egress));
    return absl::OkStatus();
  }
  absl::Status Undo(StepTools& tools, ReplicaContext& context) const override {
    RETURN_IF_ERROR(tools.networks.Release(context.network));
    context.network = {};
    return absl::OkStatus();
  }
};

// Undone before everything that the job's processes could still use.
class CgroupStep : public Step {
 public:
  const char* name() const override { return "cgroup"; }
  absl::Status Do(StepTools& tools, ReplicaContext& context) const override {
    return tools.cgroups.Create(context.desired.replica_id);
  }
  absl::Status Undo(StepTools& tools, ReplicaContext& context) const override {
    RETURN_IF_ERROR(tools.cgroups.Kill(context.desired.replica_id));
    return tools.cgroups.Remove(context.desired.replica_id);
  }
};

// Mounts, environment, limits: all that is said to crun and the runner.
class BundleStep : public Step {
 public:
  const char* name() const override { return "bundle"; }
  absl::Status Do(StepTools& tools, ReplicaContext& context) const override {
    const auto& pool = context.desired.pool;
    ASSIGN_OR_RETURN(std::vector<BucketMount> buckets, tools.buckets.List(context.desired.project));
    std::vector<std::string> package_command;
    if (pool.has_python_package_spec()) {
      package_command = tools.images.PackageCommand(pool.python_package_spec());
    }
    BundleInput input{tools.settings, context.desired, context.image,          package_command,
                      buckets,        context.network, tools.cgroups.layout(), context.files};
    ASSIGN_OR_RETURN(std::string config, WriteConfig(input));
    RETURN_IF_ERROR(WriteNew(tools.disk, context.files.config(), config));
    return WriteNew(tools.disk, context.files.spec(), WriteSpec(input).SerializeAsString());
  }
  // The files go with their directories.
  absl::Status Undo(StepTools&, ReplicaContext&) const override { return absl::OkStatus(); }
};

class StartStep : public Step {
 public:
  const char* name() const override { return "start"; }
  absl::Status Do(StepTools& tools, ReplicaContext& context) const override {
    ASSIGN_OR_RETURN(context.runner, tools.runners.Start(context.files.directory));
    return absl::OkStatus();
  }
  absl::Status Undo(StepTools& tools, ReplicaContext& context) const override {
    tools.runners.Unwatch(context.files.directory);
    return tools.runners.Kill(context.files.directory);
  }
};

}  // namespace

const std::vector<const Step*>& ReplicaSteps() {
  static const DirectoryStep directory;
  static const RootFilesystemStep root_filesystem;
  static const NetworkStep network;
  static const CgroupStep cgroup;
  static const BundleStep bundle;
  static const StartStep start;
  static const std::vector<const Step*> steps = {&directory, &root_filesystem, &network,
                                                 &cgroup,    &bundle,          &start};
  return steps;
}

absl::Status DoSteps(StepTools& tools, ReplicaContext& context) {
  for (const Step* step : ReplicaSteps()) {
    absl::Status status = step->Do(tools, context);
    if (!status.ok()) return base::Annotate(status, step->name());
  }
  return absl::OkStatus();
}

absl::Status UndoSteps(StepTools& tools, ReplicaContext& context) {
  const std::vector<const Step*>& steps = ReplicaSteps();
  for (size_t i = steps.size() - 1; i > 0; --i) {
    absl::Status status = steps[i]->Undo(tools, context);
    if (!status.ok()) return base::Annotate(status, absl::StrCat("undo ", steps[i]->name()));
  }
  return absl::OkStatus();
}

absl::Status UndoDirectory(StepTools& tools, ReplicaContext& context) {
  return ReplicaSteps().front()->Undo(tools, context);
}

}  // namespace trainyard::runtime
