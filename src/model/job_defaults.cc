#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "google/api/field_behavior.pb.h"
#include "model/custom_job.h"
#include "model/validate_parts.h"

namespace trainyard::model {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

constexpr absl::Duration kTimeoutDefault = absl::Hours(24 * 7);
constexpr int kDiskGbDefault = 100;

// The machines that have no other disks.
const char* DiskTypeOf(absl::string_view machine) {
  bool hyperdisk = absl::StartsWith(machine, "a3-ultragpu-") || absl::StartsWith(machine, "a4-") ||
                   absl::StartsWith(machine, "a4x-");
  return hyperdisk ? "hyperdisk-balanced" : "pd-ssd";
}

// One "/" at the end and between segments: a staging bucket given with its "/" makes two.
std::string DirectoryOf(absl::string_view uri) {
  std::string directory = "gs://";
  if (!absl::ConsumePrefix(&uri, directory)) return std::string(uri);
  for (char c : uri) {
    if (c != '/' || directory.back() != '/') directory += c;
  }
  if (directory.back() != '/') directory += '/';
  return directory;
}

}  // namespace

void ClearOutputFields(CustomJob& job) {
  const google::protobuf::Descriptor& descriptor = *job.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = descriptor.field(i);
    const auto& options = field->options();
    for (int j = 0; j < options.ExtensionSize(google::api::field_behavior); ++j) {
      if (options.GetExtension(google::api::field_behavior, j) == google::api::OUTPUT_ONLY) {
        job.GetReflection()->ClearField(&job, field);
      }
    }
  }
}

void FillDefaults(CustomJob& job) {
  CustomJobSpec& spec = *job.mutable_job_spec();
  for (int i = 0; i < spec.worker_pool_specs_size(); ++i) {
    v1::WorkerPoolSpec& pool = *spec.mutable_worker_pool_specs(i);
    if (IsEmptyPool(pool)) continue;
    if (i == 0) pool.set_replica_count(1);
    v1::DiskSpec& disk = *pool.mutable_disk_spec();
    if (disk.boot_disk_type().empty()) {
      disk.set_boot_disk_type(DiskTypeOf(pool.machine_spec().machine_type()));
    }
    if (disk.boot_disk_size_gb() == 0) disk.set_boot_disk_size_gb(kDiskGbDefault);
  }
  if (spec.scheduling().disable_retries()) {
    spec.mutable_scheduling()->set_restart_job_on_worker_restart(false);
  }
  if (spec.has_base_output_directory()) {
    std::string* prefix = spec.mutable_base_output_directory()->mutable_output_uri_prefix();
    *prefix = DirectoryOf(*prefix);
  }
}

absl::Duration TimeoutOf(const CustomJobSpec& spec) {
  const auto& timeout = spec.scheduling().timeout();
  absl::Duration duration = absl::Seconds(timeout.seconds()) + absl::Nanoseconds(timeout.nanos());
  return duration > absl::ZeroDuration() ? duration : kTimeoutDefault;
}

trainyard::store::v1::ReplicaNeed NeedOf(const CustomJobSpec& spec,
                                         const MachineCatalog& machines) {
  trainyard::store::v1::ReplicaNeed need;
  if (spec.worker_pool_specs_size() == 0) return need;
  const std::string& name = spec.worker_pool_specs(0).machine_spec().machine_type();
  need.set_machine_type(name);
  if (const MachineType* type = machines.Find(name)) {
    need.set_cpu_milli(type->cpu_milli);
    need.set_memory_bytes(type->memory_bytes);
  }
  return need;
}

}  // namespace trainyard::model
