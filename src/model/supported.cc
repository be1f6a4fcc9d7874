#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "model/custom_job.h"
#include "model/validate_parts.h"

namespace trainyard::model {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

absl::Status Unsupported(absl::string_view field, absl::string_view sentence) {
  return absl::UnimplementedError(absl::StrCat("job_spec.", field, ": ", sentence));
}

absl::Status CheckMachineSupported(const v1::MachineSpec& machine, const MachineCatalog& machines,
                                   absl::string_view path) {
  const MachineType* type = machines.Find(machine.machine_type());
  if (type != nullptr && type->tpu) {
    return Unsupported(absl::StrCat(path, ".machine_type"),
                       "This server has no TPUs; ask for a machine type without them, such as "
                       "n1-standard-4.");
  }
  bool asks = machine.accelerator_type() != v1::ACCELERATOR_TYPE_UNSPECIFIED;
  if (asks || (type != nullptr && type->accelerator_count > 0)) {
    return Unsupported(absl::StrCat(path, asks ? ".accelerator_type" : ".machine_type"),
                       "This server does not give GPUs to jobs; ask for a machine type without "
                       "them, such as n1-standard-4.");
  }
  return absl::OkStatus();
}

absl::Status CheckPoolSupported(const v1::WorkerPoolSpec& pool, const MachineCatalog& machines,
                                absl::string_view path) {
  absl::Status machine =
      CheckMachineSupported(pool.machine_spec(), machines, absl::StrCat(path, ".machine_spec"));
  if (!machine.ok()) return machine;
  if (pool.nfs_mounts_size() > 0) {
    return Unsupported(absl::StrCat(path, ".nfs_mounts"),
                       "This server mounts no NFS shares; put the data into a bucket and read it "
                       "at /gcs/<bucket>.");
  }
  if (pool.lustre_mounts_size() > 0) {
    return Unsupported(absl::StrCat(path, ".lustre_mounts"),
                       "This server mounts no Lustre file systems; put the data into a bucket and "
                       "read it at /gcs/<bucket>.");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSupported(const CustomJob& job, const MachineCatalog& machines) {
  const CustomJobSpec& spec = job.job_spec();
  int64_t replicas = 0;
  for (int i = 0; i < spec.worker_pool_specs_size(); ++i) {
    const v1::WorkerPoolSpec& pool = spec.worker_pool_specs(i);
    if (IsEmptyPool(pool)) continue;
    replicas += i == 0 ? 1 : pool.replica_count();
    absl::Status status =
        CheckPoolSupported(pool, machines, absl::StrCat("worker_pool_specs[", i, "]"));
    if (!status.ok()) return status;
  }
  if (replicas > 1) {
    return Unsupported(
        "worker_pool_specs",
        absl::StrCat("This server runs jobs of one replica; this one asks for ", replicas, "."));
  }
  if (!spec.persistent_resource_id().empty()) {
    return Unsupported("persistent_resource_id",
                       "This server has no persistent resources; leave the field out, a job starts "
                       "at once without.");
  }
  if (!spec.tensorboard().empty()) {
    return Unsupported("tensorboard",
                       "This server has no TensorBoard service; leave the field out, event files "
                       "written to AIP_TENSORBOARD_LOG_DIR stay in the bucket.");
  }
  if (!spec.experiment().empty()) {
    return Unsupported("experiment", "This server keeps no experiments; leave the field out.");
  }
  if (job.has_encryption_spec()) {
    return absl::UnimplementedError(
        "encryption_spec: This server has no customer-managed keys, and will not run a job that "
        "asks for one unprotected; leave the field out.");
  }
  return absl::OkStatus();
}

}  // namespace trainyard::model
