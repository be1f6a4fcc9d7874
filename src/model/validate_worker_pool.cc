#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "model/field_errors.h"
#include "model/field_format.h"
#include "model/validate_parts.h"

namespace trainyard::model {
namespace {

namespace v1 = google::cloud::aiplatform::v1;
using Strings = google::protobuf::RepeatedPtrField<std::string>;

constexpr int kPoolsMax = 4;
constexpr int kEnvMax = 100;
constexpr int kPackagesMax = 100;
constexpr size_t kArgsLengthMax = 100'000;
// What execve(2) takes: one variable is at most 128 KiB; all of them share 2 MiB with the
// arguments.
constexpr size_t kStringBytesMax = 120 << 10;
constexpr size_t kEnvironmentBytesMax = 1 << 20;
constexpr int kDiskGbMin = 100;
constexpr int kDiskGbMax = 64'000;

bool HasNul(absl::string_view text) { return text.find('\0') != absl::string_view::npos; }

void CheckEnv(const google::protobuf::RepeatedPtrField<v1::EnvVar>& env, const FieldScope& scope) {
  scope.Expect(
      env.size() <= kEnvMax, "env",
      absl::StrCat("At most ", kEnvMax, " variables are allowed; there are ", env.size(), "."));
  std::set<absl::string_view> names;
  size_t bytes = 0;
  for (int i = 0; i < env.size() && i < kEnvMax; ++i) {
    const v1::EnvVar& variable = env[i];
    if (!IsCIdentifier(variable.name())) {
      scope.Add(absl::StrCat("env[", i, "].name"),
                absl::StrCat("Must be a C identifier; ", Quoted(variable.name()), " is none."));
    } else if (!names.insert(variable.name()).second) {
      scope.Add("env", absl::StrCat("Names of variables must be unique; ", Quoted(variable.name()),
                                    " is given more than once."));
    }
    if (HasNul(variable.value()) || variable.value().size() > kStringBytesMax) {
      scope.Add(absl::StrCat("env[", i, "].value"),
                absl::StrCat("Must hold no NUL and at most ", kStringBytesMax, " bytes."));
    }
    bytes += variable.name().size() + variable.value().size();
  }
  scope.Expect(
      bytes <= kEnvironmentBytesMax, "env",
      absl::StrCat("All variables together must have at most ", kEnvironmentBytesMax, " bytes."));
}

// `lists`: command and args, which are counted together.
void CheckArgs(const Strings& command, const Strings& args, const FieldScope& scope) {
  size_t length = 0;
  bool has_nul = false, has_long = false;
  for (const Strings* list : {&command, &args}) {
    for (const std::string& text : *list) {
      length += CountCodePoints(text);
      has_nul = has_nul || HasNul(text);
      has_long = has_long || text.size() > kStringBytesMax;
    }
  }
  scope.Expect(length <= kArgsLengthMax, "args",
               absl::StrCat("All arguments together must have at most ", kArgsLengthMax,
                            " characters; they have ", length, "."));
  scope.Expect(!has_nul, "args", "Must hold no NUL character.");
  scope.Expect(!has_long, "args",
               absl::StrCat("One argument must have at most ", kStringBytesMax, " bytes."));
}

void CheckImage(const std::string& uri, absl::string_view field, const FieldScope& scope) {
  bool good = !uri.empty() && uri.size() <= 1024;
  for (char c : uri) good = good && c > ' ' && c < 0x7F;
  scope.Expect(good, field, "Must be the URI of a container image.");
}

void CheckContainer(const v1::ContainerSpec& spec, const FieldScope& scope) {
  CheckImage(spec.image_uri(), "image_uri", scope);
  CheckArgs(spec.command(), spec.args(), scope);
  CheckEnv(spec.env(), scope);
}

void CheckPythonPackage(const v1::PythonPackageSpec& spec, const FieldScope& scope) {
  scope.Expect(IsPrebuiltTrainingImage(spec.executor_image_uri()), "executor_image_uri",
               absl::StrCat("Must be one of the prebuilt training images, such as "
                            "us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest; for ",
                            Quoted(spec.executor_image_uri()), " use container_spec."));
  int packages = spec.package_uris_size();
  scope.Expect(packages >= 1 && packages <= kPackagesMax, "package_uris",
               absl::StrCat("Must have 1 to ", kPackagesMax, " entries; it has ", packages, "."));
  for (int i = 0; i < packages && i < kPackagesMax; ++i) {
    scope.Expect(IsGcsUri(spec.package_uris(i), true), absl::StrCat("package_uris[", i, "]"),
                 "Must be a Cloud Storage object: gs://bucket/path/package.tar.gz.");
  }
  scope.Expect(IsPythonModule(spec.python_module()), "python_module",
               "Must be the name of a Python module, such as trainer.task.");
  CheckArgs({}, spec.args(), scope);
  CheckEnv(spec.env(), scope);
}

void CheckMountPoint(const std::string& mount_point, absl::string_view place,
                     std::set<absl::string_view>& seen, const FieldScope& scope) {
  scope.Expect(IsRelativePath(mount_point), "mount_point",
               absl::StrCat("Must be a relative path; it appears under ", place, "."));
  scope.Expect(seen.insert(mount_point).second, "mount_point", "Must be unique within the pool.");
}

void CheckMounts(const v1::WorkerPoolSpec& pool, const CustomJobSpec& spec,
                 const FieldScope& scope) {
  std::set<absl::string_view> seen;
  for (int i = 0; i < pool.nfs_mounts_size(); ++i) {
    const v1::NfsMount& mount = pool.nfs_mounts(i);
    FieldScope here = scope.Child("nfs_mounts", i);
    here.Expect(IsIpAddress(mount.server()), "server", "Must be an IP address.");
    here.Expect(absl::StartsWith(mount.path(), "/"), "path", "Must start with \"/\".");
    CheckMountPoint(mount.mount_point(), "/mnt/nfs", seen, here);
  }
  scope.Expect(
      pool.nfs_mounts_size() == 0 || !spec.network().empty() || spec.has_psc_interface_config(),
      "nfs_mounts", "Needs job_spec.network or job_spec.psc_interface_config.");
  seen.clear();
  for (int i = 0; i < pool.lustre_mounts_size(); ++i) {
    const v1::LustreMount& mount = pool.lustre_mounts(i);
    FieldScope here = scope.Child("lustre_mounts", i);
    here.Expect(IsIpAddress(mount.instance_ip()), "instance_ip", "Must be an IP address.");
    here.Expect(!mount.volume_handle().empty(), "volume_handle", "Must be set.");
    here.Expect(!mount.filesystem().empty(), "filesystem", "Must be set.");
    CheckMountPoint(mount.mount_point(), "/mnt/lustre", seen, here);
  }
}

void CheckDisk(const v1::DiskSpec& disk, const FieldScope& scope) {
  const std::string& type = disk.boot_disk_type();
  scope.Expect(
      type.empty() || type == "pd-ssd" || type == "pd-standard" || type == "hyperdisk-balanced",
      "boot_disk_type", "Must be pd-ssd, pd-standard or hyperdisk-balanced.");
  int size = disk.boot_disk_size_gb();
  scope.Expect(size == 0 || (size >= kDiskGbMin && size <= kDiskGbMax), "boot_disk_size_gb",
               absl::StrCat("Must be ", kDiskGbMin, " to ", kDiskGbMax, "; it is ", size, "."));
}

void CheckPool(const v1::WorkerPoolSpec& pool, int index, const CustomJobSpec& spec,
               const ValidationContext& context, const FieldScope& scope) {
  switch (pool.task_case()) {
    case v1::WorkerPoolSpec::kContainerSpec:
      CheckContainer(pool.container_spec(), scope.Child("container_spec"));
      break;
    case v1::WorkerPoolSpec::kPythonPackageSpec:
      CheckPythonPackage(pool.python_package_spec(), scope.Child("python_package_spec"));
      break;
    case v1::WorkerPoolSpec::TASK_NOT_SET:
      scope.Add("", "Exactly one of container_spec and python_package_spec must be set.");
  }
  CheckMachine(pool.machine_spec(), context, scope.Child("machine_spec"));
  int64_t count = pool.replica_count();
  if (index == 0) {
    scope.Expect(count == 0 || count == 1, "replica_count",
                 absl::StrCat("Must be 1 in the first pool; it is ", count, "."));
  } else {
    scope.Expect(count >= 1, "replica_count", "Must be at least 1 in a pool that is used.");
  }
  CheckMounts(pool, spec, scope);
  CheckDisk(pool.disk_spec(), scope.Child("disk_spec"));
}

// A TPU job is one pool of one replica: its hosts come from the topology.
void CheckTpuAlone(const CustomJobSpec& spec, const ValidationContext& context,
                   const FieldScope& scope) {
  int used = 0;
  bool tpu = false, replicas = false;
  for (const v1::WorkerPoolSpec& pool : spec.worker_pool_specs()) {
    if (IsEmptyPool(pool)) continue;
    ++used;
    const MachineType* type = context.machines->Find(pool.machine_spec().machine_type());
    tpu = tpu || (type != nullptr && type->tpu);
    replicas = replicas || pool.replica_count() > 1;
  }
  scope.Expect(!tpu || (used == 1 && !replicas), "worker_pool_specs",
               "A job on TPUs must have exactly one worker pool with one replica.");
}

}  // namespace

bool IsEmptyPool(const v1::WorkerPoolSpec& pool) { return pool.ByteSizeLong() == 0; }

void CheckWorkerPools(const CustomJobSpec& spec, const ValidationContext& context,
                      const FieldScope& scope) {
  int count = spec.worker_pool_specs_size();
  if (count == 0 || count > kPoolsMax) {
    scope.Add("worker_pool_specs",
              absl::StrCat("Must have 1 to ", kPoolsMax, " worker pools; it has ", count, "."));
    return;
  }
  for (int i = 0; i < count; ++i) {
    const v1::WorkerPoolSpec& pool = spec.worker_pool_specs(i);
    FieldScope here = scope.Child("worker_pool_specs", i);
    if (!IsEmptyPool(pool)) {
      CheckPool(pool, i, spec, context, here);
    } else {
      here.Expect(i > 0, "", "The first worker pool must not be empty.");
    }
  }
  CheckTpuAlone(spec, context, scope);
}

}  // namespace trainyard::model
