#include "absl/strings/str_cat.h"
#include "model/custom_job.h"
#include "model/validate_parts.h"

namespace trainyard::model {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

// LOW_COST: deprecated in the API, and still sent by older clients.
constexpr int kLowCost = 2;

void NotePool(const v1::WorkerPoolSpec& pool, int index, std::vector<std::string>& notes) {
  std::string path = absl::StrCat("job_spec.worker_pool_specs[", index, "]");
  CustomJob defaults;
  *defaults.mutable_job_spec()->add_worker_pool_specs()->mutable_machine_spec() =
      pool.machine_spec();
  FillDefaults(defaults);
  const v1::DiskSpec& usual = defaults.job_spec().worker_pool_specs(0).disk_spec();
  if (pool.disk_spec().boot_disk_type() != usual.boot_disk_type() ||
      pool.disk_spec().boot_disk_size_gb() != usual.boot_disk_size_gb()) {
    notes.push_back(absl::StrCat(
        path, ".disk_spec has no effect here: the job's scratch space is on this machine's disk."));
  }
  if (pool.machine_spec().reservation_affinity().reservation_affinity_type() >
      v1::ReservationAffinity::NO_RESERVATION) {
    notes.push_back(absl::StrCat(path,
                                 ".machine_spec.reservation_affinity has no effect here: there are "
                                 "no reservations."));
  }
}

}  // namespace

std::vector<std::string> FieldsWithoutEffect(const CustomJob& job) {
  const CustomJobSpec& spec = job.job_spec();
  std::vector<std::string> notes;
  for (int i = 0; i < spec.worker_pool_specs_size(); ++i) {
    if (!IsEmptyPool(spec.worker_pool_specs(i))) NotePool(spec.worker_pool_specs(i), i, notes);
  }
  int strategy = spec.scheduling().strategy();
  if (strategy == v1::Scheduling::SPOT || strategy == kLowCost) {
    notes.push_back(
        "job_spec.scheduling.strategy has no effect here: there are no spot machines; the job runs "
        "as with STANDARD.");
  }
  if (spec.scheduling().has_max_wait_duration()) {
    notes.push_back(
        "job_spec.scheduling.max_wait_duration has no effect here: the job waits until there is "
        "room.");
  }
  if (!spec.network().empty()) {
    notes.push_back(
        "job_spec.network has no effect here: there are no VPC networks; the job has this server's "
        "egress.");
  }
  if (spec.reserved_ip_ranges_size() > 0) {
    notes.push_back(
        "job_spec.reserved_ip_ranges has no effect here: there are no VPC networks to take "
        "addresses from.");
  }
  if (spec.has_psc_interface_config()) {
    notes.push_back(
        "job_spec.psc_interface_config has no effect here: there are no VPC networks; the job has "
        "this server's egress.");
  }
  if (!spec.protected_artifact_location_id().empty()) {
    notes.push_back(
        "job_spec.protected_artifact_location_id has no effect here: everything is kept on this "
        "machine.");
  }
  if (spec.enable_web_access()) {
    notes.push_back("job_spec.enable_web_access has no effect here: there is no web shell.");
  }
  if (spec.enable_dashboard_access()) {
    notes.push_back(
        "job_spec.enable_dashboard_access has no effect here: there is no dashboard proxy.");
  }
  if (spec.models_size() > 0) {
    notes.push_back("job_spec.models has no effect here: it is for jobs that Google provides.");
  }
  return notes;
}

}  // namespace trainyard::model
