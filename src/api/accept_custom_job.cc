#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/job_requests.h"
#include "base/status.h"
#include "model/custom_job.h"
#include "model/field_format.h"

namespace trainyard::api {
namespace {

namespace v1 = google::cloud::aiplatform::v1;
using model::FieldError;

constexpr char kActAs[] = "iam.serviceAccounts.actAs";

// Field and gs:// URI of everything that must lie in a bucket of this server.
std::vector<std::pair<std::string, std::string>> BucketUses(const v1::CustomJobSpec& spec) {
  std::vector<std::pair<std::string, std::string>> uses;
  for (int i = 0; i < spec.worker_pool_specs_size(); ++i) {
    const v1::PythonPackageSpec& package = spec.worker_pool_specs(i).python_package_spec();
    for (int j = 0; j < package.package_uris_size(); ++j) {
      uses.emplace_back(absl::StrCat("job_spec.worker_pool_specs[", i,
                                     "].python_package_spec.package_uris[", j, "]"),
                        package.package_uris(j));
    }
  }
  if (spec.has_base_output_directory()) {
    uses.emplace_back("job_spec.base_output_directory.output_uri_prefix",
                      spec.base_output_directory().output_uri_prefix());
  }
  return uses;
}

absl::Status CheckBuckets(objects::ObjectStore& objects, const v1::CustomJobSpec& spec,
                          std::vector<FieldError>& errors) {
  std::set<std::string> seen;
  for (const auto& [field, uri] : BucketUses(spec)) {
    std::string bucket(model::BucketOf(uri));
    if (!seen.insert(bucket).second) continue;
    absl::Status status = objects.GetBucket(bucket).status();
    if (absl::IsNotFound(status) || absl::IsInvalidArgument(status)) {
      errors.push_back({field, absl::StrCat("There is no bucket ", model::Quoted(bucket),
                                            " on this server; create it first.")});
    } else if (!status.ok()) {
      return base::Annotate(status, field);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckImages(control::Runtime& runtime, const v1::CustomJobSpec& spec,
                         std::vector<FieldError>& errors) {
  for (int i = 0; i < spec.worker_pool_specs_size(); ++i) {
    const v1::WorkerPoolSpec& pool = spec.worker_pool_specs(i);
    if (pool.task_case() == v1::WorkerPoolSpec::TASK_NOT_SET) continue;
    bool package = pool.has_python_package_spec();
    std::string field = absl::StrCat(
        "job_spec.worker_pool_specs[", i, "].",
        package ? "python_package_spec.executor_image_uri" : "container_spec.image_uri");
    absl::Status status =
        runtime.CheckImage(package ? pool.python_package_spec().executor_image_uri()
                                   : pool.container_spec().image_uri());
    if (absl::IsInvalidArgument(status)) {
      errors.push_back({field, std::string(status.message())});
    } else if (!status.ok()) {
      return base::Annotate(status, field);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckServiceAccount(edge::AccountRegistry& accounts, const edge::Caller& caller,
                                 const model::Location& parent, const std::string& account,
                                 std::vector<FieldError>& errors) {
  if (account.empty()) return absl::OkStatus();
  if (!accounts.Exists(account)) {
    errors.push_back({"job_spec.service_account",
                      absl::StrCat("There is no account ", model::Quoted(account),
                                   " on this server; make it with: trainyard keys create.")});
    return absl::OkStatus();
  }
  return accounts.Check(caller, kActAs,
                        absl::StrCat("projects/", parent.project, "/serviceAccounts/", account));
}

}  // namespace

absl::StatusOr<v1::CustomJob> AcceptCustomJob(const Services& services, const edge::Caller& caller,
                                              const model::Location& parent,
                                              const v1::CustomJob& job) {
  v1::CustomJob accepted = job;
  model::ClearOutputFields(accepted);
  RETURN_IF_ERROR(
      model::ErrorOfFields(model::ValidateCustomJob(accepted, {&services.machines, parent})));
  RETURN_IF_ERROR(model::CheckSupported(accepted, services.machines));
  const v1::CustomJobSpec& spec = accepted.job_spec();
  std::vector<FieldError> errors;
  RETURN_IF_ERROR(CheckImages(services.runtime, spec, errors));
  RETURN_IF_ERROR(
      CheckServiceAccount(services.accounts, caller, parent, spec.service_account(), errors));
  RETURN_IF_ERROR(CheckBuckets(services.objects, spec, errors));
  RETURN_IF_ERROR(model::ErrorOfFields(errors));
  model::FillDefaults(accepted);
  return accepted;
}

}  // namespace trainyard::api
